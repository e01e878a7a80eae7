//go:build !urfave_cli_no_docs

package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMan(t *testing.T) {
	r := program("man")
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, `.TH hivepatch 1`, "users look in section 1")
	for _, command := range newApp(&environment{}).VisibleCommands() {
		require.Contains(t, r.stdout, "\n.SH "+command.Name+"\n")
		for _, flag := range command.Flags {
			require.Contains(t, r.stdout, `\-\-`+strings.ReplaceAll(flag.Names()[0], "-", `\-`))
		}
	}
	require.Contains(t, r.stdout, `\fB\-\-output, \-o\fP=FILE: write the new hive to FILE`)
	require.NotRegexp(t, `(?m)^[^.].*[^\\]-`, r.stdout, "a plain hyphen is not what the shell wants")
	require.Equal(t, r, program("man"), "the page is the same every time")
	require.Equal(t, exitUsage, program("man", "patch").code)
}

func TestManIsReadByGroff(t *testing.T) {
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skipf("groff is not here: %v", err)
	}
	command := exec.Command("groff", "-man", "-Tascii", "-wall", "-z")
	command.Stdin = strings.NewReader(program("man").stdout)
	output, err := command.CombinedOutput()
	require.NoError(t, err)
	require.Empty(t, string(output))
}
