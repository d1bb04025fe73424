const plain = String.raw`
a ^a a$ ^a$ a\Z \Aa ^$ $ ^ a|b ^a|b$ (?m)^a$ (?m)a$ (?s)a.b a.b \d \D+ ^\w+$ \W \s ^\S+$ (?a)^\w+$ (?a)\d (?a)\s
(?a:\w)\w$ ^.$ ^.+$ [^\W_] ^[\W-] [^\W\d_]+$ [\s\S] [^\S\n] []a] [^]a]+ [a-] [-a] [a\-b]+ [--/] [a&&b] [a||b] [[a]
[\]] [\b] [\x41-\u0043] [\101] [\0] [^a] (?i)[^a] (?a)[^\s] (?i)a (?i)k (?i)s (?i)i (?i)[a-j] (?i)ß (?i)µ (?i)σ (?ai)k
(?ai)[i-k] (?i)é (?i:a)b (?i)(?-i:a)b (?is)A.b (?i)[^k]$ (?i)ǆ (?i)\u2126 (?i)[à-ý] (?u)\w (?i)[\dk] a(?#comment)b
a(?#comment)*b a{2} a{,2}b a{1,} a{1,2}?b a{ a{} a{b} a{,}b a*?b a+? a??b (?:ab)* (ab)+ {1 (a)\1 (?P<x>a|b)(?P=x)
(?P<é>a)(?P=é) (a)(b)\2\1 ((a)b)\1 (?:(a)\1)*b (a)\1\x31 (a)\01 a(?=b) a(?!b) (?<=a)b (?<!a)b ^(?!.*b) (?=a)*b
(?<=^a)b (?<!\n)$ \ba a\b \B a\B \bé (?a)\bé \. \/ \- \_ \# \~ \" \t \n \\ \U0001f600 ] } /a (?s). (?s)^.$
[\U0001f600] ^[^/]$ \u00e9 é () (?:) (|a)b a||b (?:a|ab)(?:c|)$ (?:a.){1,2} (?:a[b-c]){1,2} (?:a[\Wb]){1,2}
`

/** Each feature of Python's syntax, alone and beside what it could be taken for. */
export const patterns: readonly string[] = [
  ...plain.trim().split(/\s+/),
  ...['(?x) a # a comment\n b', '(?x)a\\ b', '(?x)[ ]', '(?x)a [#] ', '(?x: a )b', '(?x)a *', '\\ '],
]

const spaceless =
  'a b A ab aB AB aa aab ba abab abba aabb a\n a\nb \n b\na\n a\rb a\u2028b a\u2028 \u0085 \u001f \ufeff \u00a0 \t \r ' +
  'é É éa aé a-b - ٣ ² 5 _ k K \u212a s S ſ i I İ ı ß ẞ µ μ Μ σ ς Σ Ǆ ǅ ǆ ω \u2126 😀 😀a a😀 😀😀 \u0301 क . / \\ # ~ " ' +
  '& | [ ] ^ {1 } a{ a{} a{b} \b \0 aa1 a\u0001 /a \ud7ff abc ac aab1 C'

export const subjects: readonly string[] = ['', ' ', 'a b', ...spaceless.split(' ')]
