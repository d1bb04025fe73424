import type { Break } from '../break.ts'

export const rules: readonly Break[] = [
  {
    name: "a rule that throws 'route' lets the request pass",
    file: 'rule.ts',
    find: '    } catch (error) {\n      return next(asError(common.name, error))\n    }\n    // Nearly',
    replace: '    } catch (error) {\n      return next(error)\n    }\n    // Nearly',
    tests: ['rule.test.ts'],
  },
  {
    name: 'a rejected promise lets the request pass',
    file: 'rule.ts',
    find: '      error => next(asError(common.name, error)),\n    )\n  }\n  describeRule',
    replace: '      () => next(),\n    )\n  }\n  describeRule',
    tests: ['rule.test.ts'],
  },
  {
    name: 'an error in skip lets the request pass',
    file: 'rule.ts',
    find: 'const skipped = skip(req)\n',
    replace: `let skipped: unknown
    try {
      skipped = skip(req)
    } catch {
      skipped = true
    }
`,
    tests: ['rule.test.ts'],
  },
  {
    name: 'one instance judges a request twice',
    file: 'rule.ts',
    find: 'if (!isFirstTime(state, judging)) return next()',
    replace: 'isFirstTime(state, judging)',
    tests: ['rule.test.ts'],
  },
  {
    name: 'the 32nd rule of a process takes the bit of the first',
    file: 'request-state.ts',
    find: 'bits < 31 ? 1 << bits++ : 0',
    replace: '1 << (bits++ & 31)',
    tests: ['rule.test.ts'],
  },
  {
    name: 'a rule that drops by itself lets the request pass as well',
    file: 'rule.ts',
    find: 'started === 0 && !state.dropped &&',
    replace: 'started === 0 &&',
    tests: ['rule.test.ts'],
  },
  {
    name: 'a dry run drops',
    file: 'act.ts',
    find: 'if (!isDryRun && !answers) {',
    replace: 'if (!answers) {',
    tests: ['rule.test.ts'],
  },
  {
    name: 'except is not read',
    file: 'rule.ts',
    find: 'common.except ? unlessExcepted',
    replace: 'common.except && !common.name ? unlessExcepted',
    tests: ['rule.test.ts'],
  },
  {
    name: 'HEAD does not go with GET',
    file: 'rules/method-allowlist.ts',
    find: "  if (allowed.has('GET')) allowed.add('HEAD')\n",
    replace: '',
    tests: ['rules/method-allowlist.test.ts'],
  },
  {
    name: 'allow does not win over patterns',
    file: 'rules/bad-agent.ts',
    find: 'detail === undefined || isAllowed?.(agent) !== undefined',
    replace: 'detail === undefined',
    tests: ['rules/bad-agent.test.ts'],
  },
  {
    name: 'the empty agent passes',
    file: 'rules/bad-agent.ts',
    find: 'checked.empty ?? true',
    replace: 'checked.empty ?? false',
    tests: ['rules/bad-agent.test.ts'],
  },
  {
    name: 'a duplicate Host passes',
    file: 'request-host.ts',
    find: 'return isOnly && target',
    replace: 'return target',
    tests: ['rules/no-host.test.ts'],
  },
  {
    name: "an absolute-form target's host is not judged",
    file: 'request-host.ts',
    find: 'target.charCodeAt(0) === 47 ? rawHeaders',
    replace: "target !== '' ? rawHeaders",
    tests: ['rules/no-host.test.ts'],
  },
  {
    name: '*.example.com matches example.com itself',
    file: 'match/server-names.ts',
    find: "if (pattern.startsWith('*.')) suffixes.add(name)\n",
    replace: "if (pattern.startsWith('*.')) suffixes.add(name) && exact.add(name)\n",
    tests: ['rules/no-host.test.ts'],
  },
  {
    name: 'a missing Host is answered with 400',
    file: 'server/missing-host.ts',
    find: 'else if (found) server.requireHostHeader = false',
    replace: 'else if (found) server.requireHostHeader = true',
    tests: ['missing-host.test.ts'],
  },
  {
    name: 'a missing Host reaches servers without the rule',
    file: 'server/missing-host.ts',
    find: 'else if (found) server',
    replace: 'else server',
    tests: ['missing-host.test.ts'],
  },
  {
    name: 'drop444 counts requests that another rule drops',
    file: 'rules/drop444.ts',
    find: '  noHost: withOptions(noHost),\n',
    replace: '  rateLimit: withOptions(rateLimit),\n  noHost: withOptions(noHost),\n',
    tests: ['rules/drop444.test.ts'],
  },
  {
    name: 'an earlier request is held behind a later drop',
    file: 'rule.ts',
    find: 'return isHttp2(req) || !res.socket || res.socket.destroyed',
    replace: 'return true',
    tests: ['wire/order.test.ts'],
  },
  {
    name: 'an earlier request that waits for its turn is forgotten',
    file: 'rule.ts',
    find: "  res.once('socket', goOn)\n",
    replace: '',
    tests: ['wire/order.test.ts'],
  },
]
