package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/txlog"
	"hivepatch/patch"
)

func TestExitCode(t *testing.T) {
	_, unknownPreset := patch.FindPreset("nosuch")
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, 0},
		{"other", errors.New("other"), 1},
		{"I/O", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, 1},
		{"not a hive", hive.ErrNotHive, 1},
		{"not found", hive.ErrNotFound, 1},
		{"corrupt", hive.ErrCorrupt, 1},
		{"too large", hive.ErrTooLarge, 1},
		{"not regular", hivefile.ErrNotRegular, 1},
		{"file too large", hivefile.ErrTooLarge, 1},
		{"usage", usagef("usage"), 2},
		{"usage with a hint", hinted(usagef("usage"), "hint"), 2},
		{"usage of package patch", unknownPreset, 2},
		{"refused", &edit.RefusedError{Reason: "no"}, 3},
		{"damage", &edit.DamageError{}, 3},
		{"dirty", fmt.Errorf("%w: %w", hive.ErrDirty, txlog.ErrTorn), 3},
		{"read-only", hive.ErrReadOnly, 3},
		{"exists", hivefile.ErrExists, 3},
		{"is input", hivefile.ErrIsInput, 3},
		{"in use", hivefile.ErrInUse, 3},
		{"changed", hivefile.ErrChanged, 3},
		{"ambiguous log", hivefile.ErrAmbiguousLog, 3},
		{"findings", errFindings, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, exitCode(c.err))
			if c.err != nil {
				require.Equal(t, c.want, exitCode(fmt.Errorf("target: %w", c.err)), "wrapped")
			}
		})
	}
}

func TestPrintError(t *testing.T) {
	findings := func(n int) edit.Findings {
		f := edit.Findings{Counts: map[check.Level]int{check.Fatal: n, check.Warning: 1}}
		f.List = append(f.List, check.Finding{Code: "logs", Level: check.Warning, Message: "not this"})
		for i := range min(n, 100) {
			f.List = append(f.List, check.Finding{Code: "bin-chain", Level: check.Fatal, Offset: int64(i), Path: "a\x1b[2Jb", Message: "bad"})
		}
		return f
	}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"none", nil, ""},
		{"findings were printed", errFindings, ""},
		{"plain", errors.New("no such thing"), "hivepatch: no such thing\n"},
		{"of Windows", errors.New("open x: The system cannot find the file specified."), "hivepatch: open x: The system cannot find the file specified\n"},
		{"of two lines", errors.New("a\nb"), "hivepatch: a\\x0ab\n"},
		{"with a hint", hinted(errors.New("no"), "do %s", "so"), "hivepatch: no\nhivepatch: hint: do so\n"},
		{
			"with its hint in the text", fmt.Errorf("ControlSet001: %w", &edit.RefusedError{Reason: "no", Override: "--force"}),
			"hivepatch: ControlSet001: no\nhivepatch: hint: --force goes on all the same\n",
		},
		{"without an override", &edit.RefusedError{Reason: "never"}, "hivepatch: never\n"},
		{"exists", fmt.Errorf("%w: x", hivefile.ErrExists), "hivepatch: output exists already: x\nhivepatch: hint: --overwrite replaces it\n"},
		{
			"damage", &edit.DamageError{Findings: findings(2)},
			`F bin-chain at 0x0 \a\x1b[2Jb: bad` + "\n" + `F bin-chain at 0x1 \a\x1b[2Jb: bad` + "\nhivepatch: the hive is damaged in 2 places\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			printError(&b, c.err)
			require.Equal(t, c.want, b.String())
		})
	}
	for n, more := range map[int]string{20: "", 21: "... and 1 more\n", 1000: "... and 980 more\n"} {
		t.Run(fmt.Sprintf("%d findings", n), func(t *testing.T) {
			var b bytes.Buffer
			printError(&b, &edit.DamageError{Findings: findings(n)})
			require.Equal(t, 20, bytes.Count(b.Bytes(), []byte("F bin-chain")))
			require.Contains(t, b.String(), fmt.Sprintf(": bad\n%shivepatch: the hive is damaged in %d places\n", more, n))
		})
	}
}
