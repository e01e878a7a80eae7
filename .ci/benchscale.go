//go:build ignore

// Command benchscale reads the output of Go benchmarks and holds the cost of one
// thing among many against that among few, and both against their limits.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// rule is a limit that the benchmarks whose names begin so must keep.
type rule struct {
	prefix string
	unit   string
	limit  float64
	rate   bool // more is better
	alone  bool // the figure for many itself has the limit, no ratio
}

var rules = []rule{
	{prefix: "BenchmarkSize/", unit: "MB/s", limit: 1.5, rate: true},
	{prefix: "BenchmarkEdits/", unit: "ns/edit", limit: 1.5},
	{prefix: "BenchmarkEdits/", unit: "file/live", limit: 1.1, alone: true},
	{prefix: "BenchmarkManyKeys/", unit: "cpu-ns/one", limit: 2},
	{prefix: "BenchmarkManyValues/", unit: "cpu-ns/one", limit: 2},
}

// result is a line of the output.
type result struct {
	name    string
	size    string // the last part of the name, a number of things or bytes
	figures map[string]float64
}

func main() {
	var order []string // names, as they come
	results := map[string][]result{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		r, ok := parse(lines.Text())
		if !ok {
			continue
		}
		if results[r.name] == nil {
			order = append(order, r.name)
		}
		results[r.name] = append(results[r.name], r)
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%-42s %-12s %20s %20s %8s %10s\n", "", "", "few", "many", "ratio", "must reach")
	for _, name := range order {
		few, many := results[name][0], results[name][len(results[name])-1]
		for _, rule := range rules {
			if strings.HasPrefix(name+"/", rule.prefix) {
				rule.print(name, few, many)
			}
		}
	}
}

// cores is what Go puts behind the name of a benchmark.
var cores = regexp.MustCompile(`-\d+$`)

func parse(line string) (result, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return result{}, false
	}
	name := cores.ReplaceAllString(fields[0], "")
	slash := strings.LastIndexByte(name, '/')
	if slash < 0 {
		return result{}, false
	}
	r := result{name: name[:slash], size: name[slash+1:], figures: map[string]float64{}}
	for i := 2; i+1 < len(fields); i += 2 {
		figure, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return result{}, false
		}
		r.figures[fields[i+1]] = figure
	}
	return r, true
}

func (r rule) print(name string, few, many result) {
	least, most := few.figures[r.unit], many.figures[r.unit]
	ratio := most / least
	switch {
	case r.alone:
		ratio = most
	case r.rate:
		ratio = least / most
	}
	verdict := "ok"
	if !(ratio <= r.limit) {
		verdict = "over"
	}
	show := func(figure float64, size string) string { return fmt.Sprintf("%.4g at %s", figure, size) }
	fmt.Printf("%-42s %-12s %20s %20s %8.2f %10.2f  %s\n", strings.TrimPrefix(name, "Benchmark"), r.unit, show(least, few.size), show(most, many.size), ratio, r.limit, verdict)
}
