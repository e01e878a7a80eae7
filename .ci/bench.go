//go:build ignore

// Command bench times hivepatch and other hive editors as whole processes: the
// CPU time that the system accounts to them, user and system together, and
// their peak memory. Runs of a pair take turns, and each works on a fresh copy of
// the hive.
package main

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	subSystems = `ControlSet001\Control\Session Manager\SubSystems`
	prefix     = `HKEY_LOCAL_MACHINE\SYSTEM`
)

// command is a process with its arguments; several are run one after another.
type command []string

type job struct {
	name     string
	commands []command
	exit     int // exit code of the last one
}

func main() {
	dir := flag.String("dir", "", "folder with hivepatch, for copies")
	hive := flag.String("hive", "", "hive to work on")
	runs := flag.Int("runs", 20, "counted runs of each")
	flag.Parse()
	b := &bench{dir: *dir, runs: *runs}
	var err error
	if b.hive, err = os.ReadFile(*hive); err != nil {
		log.Fatal(err)
	}
	b.prepare()
	b.run()
}

type bench struct {
	dir  string
	hive []byte
	runs int
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// prepare writes the .reg files: those that give the peers the value as it will
// be after the patch, and one with many values.
func (b *bench) prepare() {
	b.copyHive()
	out, err := exec.Command("hivexget", b.path("SYSTEM"), subSystems, "Windows").Output()
	if err != nil {
		log.Fatal(err)
	}
	before, after, ok := strings.Cut(strings.TrimSpace(string(out)), "SharedSection=1024,12288,512 ")
	if !ok {
		log.Fatalf("unexpected value: %s", out)
	}
	var data []string
	for _, c := range before + "SharedSection=1024,12288,1024 " + after + "\x00" {
		data = append(data, hex.EncodeToString([]byte{byte(c)}), "00")
	}
	reg := fmt.Sprintf("Windows Registry Editor Version 5.00\r\n\r\n[%s\\%s]\r\n\"Windows\"=hex(2):%s\r\n\r\n", prefix, subSystems, strings.Join(data, ","))
	for name, text := range map[string]string{"crlf.reg": reg, "lf.reg": strings.ReplaceAll(reg, "\r", ""), "many.reg": manyValues()} {
		if err := os.WriteFile(b.path(name), []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// manyValues is a .reg file that sets 20,000 new values in 200 new keys: texts,
// numbers and bytes in turn.
func manyValues() string {
	var reg strings.Builder
	fmt.Fprintf(&reg, "Windows Registry Editor Version 5.00\n\n[%s\\Bench]\n\n", prefix)
	for i := range 20_000 {
		if i%100 == 0 {
			fmt.Fprintf(&reg, "\n[%s\\Bench\\Key%03d]\n", prefix, i/100)
		}
		switch i % 3 {
		case 0:
			fmt.Fprintf(&reg, "\"Text%05d\"=\"C:\\\\Windows\\\\System32\\\\file%05d.dll\"\n", i, i)
		case 1:
			fmt.Fprintf(&reg, "\"Number%05d\"=dword:%08x\n", i, i)
		case 2:
			fmt.Fprintf(&reg, "\"Bytes%05d\"=hex(3):%02x%s\n", i, byte(i), strings.Repeat(",a5", 39))
		}
	}
	return reg.String()
}

func (b *bench) copyHive() {
	if err := os.WriteFile(b.path("SYSTEM"), b.hive, 0o644); err != nil {
		log.Fatal(err)
	}
	if err := os.RemoveAll(b.path("SYSTEM.new")); err != nil {
		log.Fatal(err)
	}
}

func (b *bench) run() {
	hivepatch, system, made := b.path("hivepatch"), b.path("SYSTEM"), b.path("SYSTEM.new")
	one := func(name string, exit int, arguments ...string) job {
		return job{name: name, commands: []command{arguments}, exit: exit}
	}
	var (
		patch    = one("hivepatch patch -o", 0, hivepatch, "patch", system, "-o", made, "--noninteractive", "1024")
		check    = one("hivepatch check", 0, hivepatch, "check", system)
		export   = one("hivepatch export -o", 0, hivepatch, "export", system, "-o", made)
		list     = one("hivepatch ls -r", 0, hivepatch, "ls", "-r", system)
		imported = one("hivepatch import -o", 0, hivepatch, "import", system, b.path("many.reg"), "-o", made)
		compact  = one("hivepatch compact -o", 0, hivepatch, "compact", system, "-o", made)
	)
	hivex := job{name: "hivexget, hivexget, hivexregedit --merge", commands: []command{
		{"hivexget", system, "Select", "Current"},
		{"hivexget", system, subSystems, "Windows"},
		{"hivexregedit", "--merge", "--prefix", prefix, system, b.path("lf.reg")},
	}}

	fmt.Printf("CPU time in ms, user and system, median of %d runs; hive of %d bytes\n\n", b.runs, len(b.hive))
	fmt.Printf("%-20s %8s   %-42s %8s %8s %10s\n", "", "ms", "peer", "ms", "ratio", "must reach")
	b.compare(patch, one("reged -I -C", 2, "reged", "-I", "-C", system, prefix, b.path("crlf.reg")), 3.0)
	b.compare(patch, hivex, 0.5)
	b.compare(check, one("hivexml", 0, "hivexml", system), 0.2)
	b.compare(export, one("reged -x", 0, "reged", "-x", system, prefix, `\`, made), 0.5)
	b.compare(export, one("hivexregedit --export", 0, "hivexregedit", "--export", "--prefix", prefix, system, `\`), 0.15)
	b.compare(list, one("reglookup", 0, "reglookup", system), 0.15)
	b.compare(imported, one("hivexregedit --merge", 0, "hivexregedit", "--merge", "--prefix", prefix, system, b.path("many.reg")), 0.5)
	b.compare(compact, check, 3.0)

	b.copyHive()
	b.measure(compact)
	if err := os.Rename(made, b.path("other")); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("\n%-42s %8s %10s\n", "peak memory", "MiB", "must reach")
	b.memory(patch, 24)
	b.memory(export, 32)
	b.memory(list, 32)
	b.memory(compact, 32)
	b.memory(one("hivepatch diff", 0, hivepatch, "diff", system, b.path("other")), 32)
	b.memory(one("hivepatch find", 0, hivepatch, "find", system, "microsoft"), 32)
	b.memory(one("hivepatch get", 0, hivepatch, "get", system, subSystems, "Windows"), 32)
}

// memory tells the peak memory of a job. It must reach twice the hive and some
// MiB more.
func (b *bench) memory(j job, more float64) {
	b.copyHive()
	_, peak := b.measure(j)
	mebibytes, limit := float64(peak)/1024, float64(2*len(b.hive))/(1<<20)+more
	fmt.Printf("%-42s %8.1f %10.1f  %s\n", j.name, mebibytes, limit, verdict(mebibytes, limit))
}

func (b *bench) compare(ours, peer job, limit float64) {
	var a, p []time.Duration
	for i := range b.runs + 1 {
		b.copyHive()
		mine, _ := b.measure(ours)
		b.copyHive()
		theirs, _ := b.measure(peer)
		if i > 0 { // the first is a warm-up
			a, p = append(a, mine), append(p, theirs)
		}
	}
	x, y := median(a), median(p)
	fmt.Printf("%-20s %8.1f   %-42s %8.1f %8.2f %10.2f  %s\n", ours.name, ms(x), peer.name, ms(y), ms(x)/ms(y), limit, verdict(ms(x)/ms(y), limit))
}

// measure runs the commands of a job and returns their CPU time and the peak
// memory of the largest in KiB.
func (b *bench) measure(j job) (cpu time.Duration, peak int64) {
	for i, c := range j.commands {
		cmd := exec.Command(c[0], c[1:]...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		err := cmd.Run()
		code := 0
		if i == len(j.commands)-1 {
			code = j.exit
		}
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			log.Fatalf("%v: %v: %s", c, err, stderr.String())
		}
		cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	return cpu, peak
}

// verdict says whether a figure keeps its limit.
func verdict(figure, limit float64) string {
	if figure <= limit {
		return "ok"
	}
	return "over"
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
