package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/txlog"
)

const checkDescription = `Checks a hive against the rules of its format and lists every place where it
breaks one: level, rule, file offset, key, what was found and what was expected.

   F  Windows refuses the hive or loses data
   L  Windows heals it, or the damage is limited
   C  Windows writes it otherwise, but loads it
   W  worth knowing

Findings of level C and W do no harm: they are counted, and listed with
--verbose or --json. The digest is that of the file. The last line is OK where
there is none of level F or L; where there is one, the exit code is 4. A dirty hive is checked as it is after
its recovery, where that is possible.

Examples:
   hivepatch check SYSTEM
   hivepatch check --verbose NTUSER.DAT`

// checkOptions are the options of the command check.
type checkOptions struct {
	target targetOptions
	report reportOptions
}

func newCheckCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "check",
		Usage:       "check a hive against the rules of the format",
		UsageText:   "hivepatch check TARGET [options]",
		Description: checkDescription,
		Flags:       slices.Concat(volumeFlags(), []cli.Flag{logFlag(), ignoreLogsFlag("check a dirty hive as it stands")}, reportFlags()),
		Action: func(c *cli.Context) error {
			var o checkOptions
			var err error
			if o.target, err = readTarget(env, c); err != nil {
				return err
			}
			if o.report, err = readReportOptions(c); err != nil {
				return err
			}
			return runCheck(env, o)
		},
	}
}

func runCheck(env *environment, o checkOptions) error {
	r := newReporter(env.stdout, env.stderr, o.report)
	file, err := o.target.lookAs(env, hivefile.LoadOptions{Recovery: hivefile.RecoverIfPossible})
	if err != nil {
		return err
	}
	if !o.report.quiet {
		if err := refuseInput(env, file); err != nil {
			return err
		}
	}
	tellLoad(r, file)
	if errors.Is(file.Unrecovered, hivefile.ErrHalfWritten) {
		o.target.warn(env, "%s", file.Unrecovered)
	}
	counts := map[check.Level]int{}
	list := r.findings()
	count := func(f check.Finding) {
		counts[f.Level]++
		list.add(f)
	}
	check.Logs(logState(file), count)
	check.Bytes(file.Hive.Bytes(), count)
	list.end(counts, file)
	if err := r.flush(); err != nil {
		return err
	}
	if !isOK(counts) {
		return errFindings
	}
	return nil
}

func logState(file *hivefile.File) check.LogState {
	return check.LogState{
		Primary: txlog.State{
			Reason: file.Dirty, HeaderBad: file.HeaderBad,
			Sequence1: file.Sequence1, Sequence2: file.Sequence2,
		},
		Logs: file.Logs, Replayed: file.Replayed, Unrecovered: file.Unrecovered,
	}
}

func isOK(counts map[check.Level]int) bool {
	return counts[check.Fatal] == 0 && counts[check.Limited] == 0
}

// findingList prints findings as they come: a hive can have millions.
type findingList interface {
	add(f check.Finding)
	end(counts map[check.Level]int, file *hivefile.File)
}

func (r *reporter) findings() findingList {
	if r.json {
		return &jsonFindings{reporter: r}
	}
	return textFindings{r}
}

type textFindings struct{ *reporter }

func (t textFindings) add(f check.Finding) {
	if grave := f.Level == check.Fatal || f.Level == check.Limited; grave || t.verbose {
		t.line("%s", f)
	}
}

func (t textFindings) end(counts map[check.Level]int, file *hivefile.File) {
	t.line("sha256: %x", file.SHA256)
	lesser := counts[check.Convention] + counts[check.Warning]
	listed := ", listed with --verbose"
	if t.verbose || lesser == 0 {
		listed = ""
	}
	switch {
	case !isOK(counts):
		total := lesser + counts[check.Fatal] + counts[check.Limited]
		if listed != "" {
			listed = "; C and W are" + listed[1:]
		}
		t.line("%s: %d F, %d L, %d C, %d W%s", plural(total, "finding", "findings"),
			counts[check.Fatal], counts[check.Limited], counts[check.Convention], counts[check.Warning], listed)
	case lesser > 0:
		t.line("OK, with %s: %d C, %d W%s", plural(lesser, "lesser finding", "lesser findings"),
			counts[check.Convention], counts[check.Warning], listed)
	default:
		t.line("OK")
	}
}

// jsonFindings prints the parts of one JSON object.
type jsonFindings struct {
	*reporter
	begun bool
}

// jsonFinding is a finding in JSON, a contract with scripts.
type jsonFinding struct {
	Code    string `json:"code"`
	Level   string `json:"level"`
	Offset  int64  `json:"offset"`
	Path    string `json:"path"` // "" for one that no key has
	Message string `json:"message"`
}

// begin returns what comes before a finding or the end of the list.
func (j *jsonFindings) begin() string {
	if j.begun {
		return ",\n    "
	}
	j.begun = true
	return "{\n  \"findings\": [\n    "
}

func (j *jsonFindings) add(f check.Finding) {
	fmt.Fprintf(j.result, "%s%s", j.begin(), mustJSON(jsonFinding{f.Code, string(f.Level), f.Offset, f.Path, f.Message}))
}

func (j *jsonFindings) end(counts map[check.Level]int, file *hivefile.File) {
	opening, closing := "", "\n  ]"
	if !j.begun {
		opening, closing = "{\n  \"findings\": [", "]"
	}
	fmt.Fprintf(j.result, "%s%s,\n  \"counts\": %s,\n  \"ok\": %t,\n  \"replayed_entries\": %d,\n  \"sha256\": \"%x\"\n}\n", opening, closing,
		mustJSON(edit.Counts{
			Fatal: counts[check.Fatal], Limited: counts[check.Limited],
			Convention: counts[check.Convention], Warning: counts[check.Warning],
		}), isOK(counts), file.Replayed, file.SHA256)
}

// mustJSON encodes a structure of strings and numbers, which cannot fail.
func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
