import type { Break } from '../break.ts'

const requests = ['options/odd-throws.test.ts']
const others = ['options/odd-callbacks.test.ts']

/** What may be thrown at us, and where it is said. */
export const callbacks: readonly Break[] = [
  {
    name: 'callbacks: an error that can not be read goes to the app as it is',
    file: 'diagnostics/thrown.ts',
    find: '  if (isTameError(thrown)) return thrown\n',
    replace: '  if (thrown instanceof Error) return thrown\n',
    tests: requests,
  },
  {
    name: 'callbacks: what was thrown is made a text by itself',
    file: 'diagnostics/report-error.ts',
    find: '{messageOf(error)}`)',
    replace: '{error}`)',
    tests: others,
  },
  {
    name: 'callbacks: what a listener rejects with, or its thenable throws, is heard of promises alone',
    file: 'diagnostics/thenable.ts',
    find: 'if (isThenable(result)) promiseOf(result).catch(onError)',
    replace: 'if (result instanceof Promise) result.catch(onError)',
    tests: others,
  },
  {
    name: 'callbacks: a thenable is asked for its promise outside the try',
    file: 'rule.ts',
    find: 'isThenable(judgement) ? promiseOf(judgement) :',
    replace: 'isThenable(judgement) ? (judgement as never) :',
    tests: requests,
  },
  {
    name: 'callbacks: next is called again where it throws',
    file: 'rule.ts',
    find: '    if (hasFailed) throw error\n',
    replace: '',
    tests: requests,
  },
  {
    name: 'callbacks: a listener of errors ends the process',
    file: 'diagnostics/report-error.ts',
    find: "guardChannel(/* @__PURE__ */ channel('drop444:error'), error =>",
    replace: "((own: Channel, _: unknown) => own)(channel('drop444:error'), (error: unknown) =>",
    tests: others,
  },
  {
    name: 'callbacks: keys that reject are heard by nobody where another one throws',
    file: 'rules/rate-limit/keys-and-costs.ts',
    find: '    for (const each of [...keys, ...costs]) promiseOf(each).catch(() => {})\n',
    replace: '',
    tests: requests,
  },
  {
    name: 'callbacks: a store whose answer can not be read is no outage',
    file: 'stores/guarded/guarded-store.ts',
    find: '      if (isThenable(answer)) promised = promiseOf(answer)\n    } catch (error) {\n      return this.#failed(call, asError(error), locally)\n    }',
    replace:
      '    } catch (error) {\n      return this.#failed(call, asError(error), locally)\n    }\n    if (isThenable(answer)) promised = promiseOf(answer)',
    tests: others,
  },
  {
    name: 'callbacks: a client of Redis whose promise throws ends the process',
    file: 'stores/redis/redis-options.ts',
    find: 'new Promise(resolve => resolve(send()))',
    replace: 'Promise.resolve(send())',
    tests: others,
  },
  {
    name: 'callbacks: what a logger rejects with ends the process',
    file: 'log/logger-sink.ts',
    find: "    onRejection(methods[level]?.(...args), error => reportError('a logger', error))\n",
    replace: '    methods[level]?.(...args)\n    void [onRejection, reportError]\n',
    tests: others,
  },
  {
    name: 'callbacks: an emitWarning that throws ends the request',
    file: 'diagnostics/warnings.ts',
    find: '  } catch {}',
    replace: '  } finally {}',
    tests: others,
  },
  {
    name: 'callbacks: a formatter of debug that throws ends the request',
    file: 'diagnostics/debug.ts',
    find: "    debug('%s: %s', printable(source), traceOf(thrown))\n  } catch {}",
    replace: "    debug('%s: %s', printable(source), traceOf(thrown))\n  } finally {}",
    tests: others,
  },
  {
    name: 'callbacks: a getter of an option throws what it likes',
    file: 'options/read-options.ts',
    find: 'const value = reading(factory, option, undefined, () => given[option])',
    replace: 'const value = given[option]',
    tests: ['options/odd-options.test.ts'],
  },
  {
    name: 'callbacks: the reason of a finding is read twice',
    file: 'judgement.ts',
    find: "if (typeof reason === 'string') return { reason,",
    replace: "if (typeof reason === 'string') return judgement\n    if (reason === '') return { reason,",
    tests: requests,
  },
  {
    name: 'callbacks: a store of offenders is asked for ever',
    file: 'offenders/sync/store-sync.ts',
    find: "      if (news.last > news.cursor && news.cursor <= before) throw new Error('the store does not go on')\n",
    replace: '',
    tests: others,
  },
]
