// The rules bench's peers in Go: expr-lang/expr or cel-go over the same rules and events.
//
// Usage: rules-go ENGINE RULES EVENTS HITS SINGLE: prints one JSON line of figures, writes the hits of
// every event to HITS.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/google/cel-go/cel"
)

const (
	features    = 16
	evaluations = 2000000
	rounds      = 3
)

// What expr reads: a struct, its fastest environment.
type event struct {
	F0      float64 `expr:"f0"`
	F1      float64 `expr:"f1"`
	F2      float64 `expr:"f2"`
	F3      float64 `expr:"f3"`
	F4      float64 `expr:"f4"`
	F5      float64 `expr:"f5"`
	F6      float64 `expr:"f6"`
	F7      float64 `expr:"f7"`
	F8      float64 `expr:"f8"`
	F9      float64 `expr:"f9"`
	F10     float64 `expr:"f10"`
	F11     float64 `expr:"f11"`
	F12     float64 `expr:"f12"`
	F13     float64 `expr:"f13"`
	F14     float64 `expr:"f14"`
	F15     float64 `expr:"f15"`
	Channel string  `expr:"channel"`
}

// An engine: conditions compiled, and one of them asked of one event.
type engine interface {
	compile(texts []string) error
	holds(condition int, event int) bool
	load(events []event)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type exprEngine struct {
	programs []*vm.Program
	machine  vm.VM
	events   []any
}

func (e *exprEngine) load(events []event) {
	e.events = nil
	for i := range events {
		e.events = append(e.events, &events[i])
	}
}

func (e *exprEngine) compile(texts []string) error {
	e.programs = nil
	for _, text := range texts {
		program, err := expr.Compile(text, expr.Env(&event{}), expr.AsBool())
		if err != nil {
			return err
		}
		e.programs = append(e.programs, program)
	}
	return nil
}

func (e *exprEngine) holds(condition int, event int) bool {
	value, err := e.machine.Run(e.programs[condition], e.events[event])
	check(err)
	return value.(bool)
}

type celEngine struct {
	programs []cel.Program
	events   []cel.Activation
}

func (c *celEngine) load(events []event) {
	c.events = nil
	for _, event := range events {
		values := map[string]any{"channel": event.Channel}
		for i, value := range numbers(event) {
			values["f"+strconv.Itoa(i)] = value
		}
		activation, err := cel.NewActivation(values)
		check(err)
		c.events = append(c.events, activation)
	}
}

func (c *celEngine) compile(texts []string) error {
	options := []cel.EnvOption{cel.Variable("channel", cel.StringType)}
	for i := 0; i < features; i++ {
		options = append(options, cel.Variable("f"+strconv.Itoa(i), cel.DoubleType))
	}
	env, err := cel.NewEnv(options...)
	check(err)
	c.programs = nil
	for _, text := range texts {
		ast, issues := env.Compile(text)
		if issues != nil && issues.Err() != nil {
			return issues.Err()
		}
		program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			return err
		}
		c.programs = append(c.programs, program)
	}
	return nil
}

func (c *celEngine) holds(condition int, event int) bool {
	value, _, err := c.programs[condition].Eval(c.events[event])
	check(err)
	return value.Value().(bool)
}

func numbers(e event) []float64 {
	return []float64{e.F0, e.F1, e.F2, e.F3, e.F4, e.F5, e.F6, e.F7, e.F8, e.F9, e.F10, e.F11, e.F12, e.F13, e.F14, e.F15}
}

func lines(path string) []string {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	var all []string
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		all = append(all, scanner.Text())
	}
	check(scanner.Err())
	return all
}

func parse(line string) event {
	fields := strings.Split(line, ",")
	var v [features]float64
	for i := range v {
		value, err := strconv.ParseFloat(fields[i], 64)
		check(err)
		v[i] = value
	}
	return event{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13], v[14], v[15], fields[features]}
}

func writeHits(path string, e engine, conditions int, events int) {
	file, err := os.Create(path)
	check(err)
	writer := bufio.NewWriter(file)
	for i := 0; i < events; i++ {
		for j := 0; j < conditions; j++ {
			if e.holds(j, i) {
				fmt.Fprintf(writer, "%d ", j)
			}
		}
		fmt.Fprintln(writer)
	}
	check(writer.Flush())
	check(file.Close())
}

func main() {
	engines := map[string]engine{"expr": &exprEngine{}, "cel-go": &celEngine{}}
	e := engines[os.Args[1]]
	texts := lines(os.Args[2])
	var events []event
	for _, line := range lines(os.Args[3]) {
		events = append(events, parse(line))
	}
	e.load(events)
	best := func(run func()) float64 {
		least := 1e300
		for i := 0; i < rounds; i++ {
			start := time.Now()
			run()
			least = min(least, float64(time.Since(start).Nanoseconds()))
		}
		return least
	}
	compile := best(func() { check(e.compile(texts)) })
	writeHits(os.Args[4], e, len(texts), len(events))
	many := best(func() {
		for i := range events {
			for j := range texts {
				e.holds(j, i)
			}
		}
	}) / float64(len(events))
	check(e.compile([]string{os.Args[5]}))
	fired := 0
	single := best(func() {
		for i := 0; i < evaluations; i++ {
			if e.holds(0, i&3) {
				fired++
			}
		}
	}) / evaluations
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"single_ns": single, "many_us": many / 1e3, "compile_ms": compile / 1e6, "fired": fired / rounds}))
}
