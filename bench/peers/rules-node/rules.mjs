// The rules bench's peers from npm: CEL engines over the same rules and events.
//
// Usage: rules.mjs ENGINE RULES EVENTS HITS SINGLE: prints one JSON line of figures, writes the hits of
// every event to HITS.
import { readFileSync, writeFileSync } from 'node:fs'

const FEATURES = 16
const EVALUATIONS = 2000000
const ROUNDS = 3

const engines = {
  async '@marcbachmann/cel-js'() {
    const { Environment } = await import('@marcbachmann/cel-js')
    const environment = new Environment().registerVariable('channel', 'string')
    for (let i = 0; i < FEATURES; i++) environment.registerVariable(`f${i}`, 'double')
    return (text) => environment.parse(text)
  },
  async 'cel-js'() {
    const { parse, evaluate } = await import('cel-js')
    return (text) => {
      const parsed = parse(text)
      if (!parsed.isSuccess) throw new Error(parsed.errors.join('; '))
      return (event) => evaluate(parsed.cst, event)
    }
  },
  async '@bufbuild/cel'() {
    const { celEnv, parse, plan } = await import('@bufbuild/cel')
    const environment = celEnv()
    return (text) => plan(environment, parse(text))
  },
}

const [name, rulesPath, eventsPath, hitsPath, singleText] = process.argv.slice(2)
const lines = (path) => readFileSync(path, 'utf8').trimEnd().split('\n')
const compile = await engines[name]()
const texts = lines(rulesPath)
const events = lines(eventsPath).map((line) => {
  const fields = line.split(',')
  const event = { channel: fields[FEATURES] }
  for (let i = 0; i < FEATURES; i++) event[`f${i}`] = Number(fields[i])
  return event
})

function best(run, rounds = ROUNDS) {
  let least = Infinity
  for (let i = 0; i < rounds; i++) {
    const start = process.hrtime.bigint()
    run()
    least = Math.min(least, Number(process.hrtime.bigint() - start))
  }
  return least
}

let programs
const compileNs = best(() => (programs = texts.map((text) => compile(text))))
const hits = events.map((event) => {
  let line = ''
  programs.forEach((program, i) => (line += program(event) === true ? `${i} ` : ''))
  return line
})
writeFileSync(hitsPath, hits.join('\n') + '\n')
let fired = 0
const manyNs =
  best(() => {
    for (const event of events) for (const program of programs) fired += program(event) === true ? 1 : 0
  }) / events.length
const single = compile(singleText)
// Slow engines get fewer evaluations: at least a second of them.
const start = process.hrtime.bigint()
for (let i = 0; i < 20000; i++) single(events[i & 3])
const perCall = Number(process.hrtime.bigint() - start) / 20000
const count = Math.min(EVALUATIONS, Math.ceil(1e9 / perCall))
let singleFired = 0
const singleNs =
  best(() => {
    for (let i = 0; i < count; i++) singleFired += single(events[i & 3]) === true ? 1 : 0
  }) / count
console.log(
  JSON.stringify({
    single_ns: singleNs,
    many_us: manyNs / 1e3,
    compile_ms: compileNs / 1e6,
    fired: singleFired / ROUNDS / count,
  }),
)
