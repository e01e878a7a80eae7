package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

func TestHelpPage(t *testing.T) {
	var b strings.Builder
	require.NoError(t, printCommandHelp(&b, &cli.Command{
		Name:        "carve",
		Usage:       "cut a key out",
		UsageText:   "hivepatch carve TARGET",
		Description: "First.\n\nSecond,\n   indented.",
		Flags: []cli.Flag{
			stringFlag("Output", "output", "write to `FILE`", "o"),
			boolFlag("", "quiet", "print nothing"),
			listFlag("Input", "log", "take `LOG`"),
		},
	}))
	require.Equal(t, `NAME:
   hivepatch carve - cut a key out

USAGE:
   hivepatch carve TARGET

DESCRIPTION:
   First.

   Second,
      indented.

OPTIONS:
   --help, -h  show help
   --quiet     print nothing

   Input

   --log LOG [ --log LOG ]  take LOG

   Output

   --output FILE, -o FILE  write to FILE
`, b.String())
}

// Whatever there is, the help shows it, in each of the ways to ask for it.
func TestHelpIsWhole(t *testing.T) {
	app := newApp(&environment{})
	whole := program("--help")
	require.Zero(t, whole.code)
	require.Equal(t, whole, program("help"))
	for _, command := range app.VisibleCommands() {
		require.Contains(t, whole.stdout, "\n   "+command.Name+"  ")
		page := program(command.Name, "--help")
		require.Zero(t, page.code)
		require.Empty(t, page.stderr)
		require.Equal(t, page, program("help", command.Name))
		for _, flag := range allFlags(command.Flags) {
			require.Contains(t, page.stdout, "\n   "+dashed(flag.Names()[0]), command.Name)
		}
	}
}

// Values of a list are taken as they stand.
func TestInvokeList(t *testing.T) {
	var logs []string
	app := &cli.App{Commands: []*cli.Command{{
		Name:  "carve",
		Flags: []cli.Flag{listFlag("", "log", "take `LOG`"), listFlag("", "other", "take `LOG`")},
		Action: func(c *cli.Context) error {
			logs = c.StringSlice("log")
			require.True(t, c.IsSet("log"))
			require.False(t, c.IsSet("other"))
			require.Empty(t, c.StringSlice("other"))
			require.Equal(t, []string{"help", "--x"}, c.Args().Slice())
			return nil
		},
	}}}
	require.NoError(t, invoke(&environment{}, app, []string{"carve", "--log=a,b", "--log= c ", "--", "help", "--x"}))
	require.Equal(t, []string{"a,b", " c "}, logs)
}

// cli gives commands a hidden subcommand of these names, so that a hive of that
// name could not be opened.
func TestHiveNamedHelp(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"h", "help"} {
		require.NoError(t, os.WriteFile(filepath.Join(".", name), []byte("no hive"), 0o600))
		r := program("check", name)
		require.Equal(t, exitFailed, r.code)
		require.NotContains(t, r.stdout, "USAGE")
	}
}
