import { test } from 'node:test'
import { load } from './corpus/load.ts'
import { assertInputs, cpuServers, skip } from './cpu.ts'

cpuServers()

const inputs = load('legitimate').filter(({ to }) => to.includes('http'))
test(`${inputs.length} legitimate inputs, repeated to 64 kB`, { skip }, () => assertInputs(inputs, 'http'))
