/** The language that Django takes in the place of another (`LANG_INFO`). */
const fallbacks = /* @__PURE__ */ new Map(
  Object.entries({
    'zh-cn': 'zh-hans',
    'zh-hk': 'zh-hant',
    'zh-mo': 'zh-hant',
    'zh-my': 'zh-hans',
    'zh-sg': 'zh-hans',
    'zh-tw': 'zh-hant',
  }),
)

/** `language_code_prefix_re`, with Python's `\w` and `$`. */
const first = /^\/([\p{L}\p{N}_]+(?:[@-][\p{L}\p{N}_]+)?)(?:\/|\n?$)/u

/** A code and its replacements in the order in which they are tried, the last one the language alone. */
function variants(code: string): string[] {
  const found = [code]
  const fallback = fallbacks.get(code)
  if (fallback) found.push(fallback)
  for (let i = code.lastIndexOf('-'); i > 0; i = code.lastIndexOf('-', i - 1)) found.push(code.slice(0, i))
  return found
}

/** The language that Django uses for a code that is asked for, or undefined (`get_supported_language_variant`). */
export function supportedVariant(code: string, languages: ReadonlySet<string>): string | undefined {
  const tried = variants(code)
  const exact = tried.find(each => languages.has(each.toLowerCase()))
  if (exact !== undefined) return exact.toLowerCase()
  const generic = `${tried.at(-1)}-`
  for (const language of languages) if (language.startsWith(generic)) return language.toLowerCase()
  return undefined
}

/** The language that a path begins with (`get_language_from_path`). */
export function languageOf(path: string, languages: ReadonlySet<string>): string | undefined {
  const slash = path.indexOf('/', 1)
  const start = slash < 0 ? path.slice(1) : path.slice(1, slash)
  // Codes with two hyphens too, which Django reads from 4.2 on.
  if (languages.has(start) && start === start.toLowerCase()) return start
  const code = first.exec(path)?.[1]
  return code === undefined ? undefined : supportedVariant(code, languages)
}
