package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// testApp has a command of each kind.
func testApp() *cli.App {
	app := &cli.App{
		Flags: []cli.Flag{boolFlag("", "version", ""), helpFlag()},
		Commands: []*cli.Command{
			{Name: "set", Flags: []cli.Flag{
				stringFlag("", "type", "", "t"), boolFlag("", "dry-run", "", "n"), listFlag("", "data", ""),
			}},
			{Name: "raw", SkipFlagParsing: true, Hidden: true},
		},
	}
	return app
}

func TestArrange(t *testing.T) {
	for _, c := range []struct{ name, arguments, want string }{
		{"nothing", "", ""},
		{"flags in front", "set --dry-run HIVE", "set --dry-run -- HIVE"},
		{"flags behind", "set HIVE --dry-run", "set --dry-run -- HIVE"},
		{"flags between", "set HIVE --type sz KEY -n VALUE", "set --type=sz --dry-run -- HIVE KEY VALUE"},
		{"value behind =", "set HIVE --type=sz", "set --type=sz -- HIVE"},
		{"value with =", "set HIVE --type a=b", "set --type=a=b -- HIVE"},
		{"alias", "set HIVE -t sz", "set --type=sz -- HIVE"},
		{"one hyphen", "set HIVE -type sz", "set --type=sz -- HIVE"},
		{"hyphen is an argument", "set -", "set -- -"},
		{"hyphen is a value", "set --type - HIVE", "set --type=- -- HIVE"},
		{"end of flags", "set -n -- --type", "set --dry-run -- --type"},
		{"end of flags twice", "set -- -- -n", "set -- -- -n"},
		{"switch with value", "set --dry-run=false HIVE", "set --dry-run=false -- HIVE"},
		{"switch twice", "set -n -n HIVE", "set --dry-run --dry-run -- HIVE"},
		{"switches in one word", "set HIVE -nn", "set --dry-run --dry-run -- HIVE"},
		{"help in a bundle", "set HIVE -nh", "set --help"},
		{"list", "set HIVE --data a,b --data c", "set --data=a,b --data=c -- HIVE"},
		{"help in front", "set --help HIVE", "set --help"},
		{"help behind", "set HIVE -h", "set --help"},
		{"global flag", "--help set", "--help set --"},
		{"version", "--version", "--version"},
		{"flags are left alone", "raw --x -- y", "raw --x -- y"},
		{"value that looks like a flag", "set HIVE --type=--dry-run", "set --type=--dry-run -- HIVE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := arrange(testApp(), strings.Fields(c.arguments))
			require.NoError(t, err)
			require.Equal(t, c.want, strings.Join(got, " "))
		})
	}
}

func TestArrangeErrors(t *testing.T) {
	for _, c := range []struct{ name, arguments, want, hint string }{
		{"unknown command", "sett HIVE", `unknown command "sett"`, "did you mean set?"},
		{"bundle with a value", "set HIVE -nt sz", "unknown option -nt", "did you mean -t?"},
		{"bundle with an unknown flag", "set HIVE -nz", "unknown option -nz", "did you mean -n?"},
		{"unknown flag", "set HIVE --dri-run", "unknown option --dri-run", "did you mean --dry-run?"},
		{"letters swapped", "set HIVE --tpye sz", "unknown option --tpye", "did you mean --type?"},
		{"negative number", "set HIVE K V -1", "unknown option -1", "--help lists the options; an argument that begins with a hyphen stands behind --"},
		{"long negative number", "set HIVE K V -12", "unknown option -12", "--help lists the options; an argument that begins with a hyphen stands behind --"},
		{"name with a hyphen", "set HIVE K -x", "unknown option -x", "--help lists the options; an argument that begins with a hyphen stands behind --"},
		{"unknown flag like no other", "set HIVE --x", "unknown option --x", "hivepatch set --help lists the options"},
		{"unknown flag with value", "set HIVE --colour=red", "unknown option --colour", "hivepatch set --help lists the options"},
		{"no value", "set HIVE --type", "--type needs a value", "hivepatch set --help lists the options"},
		{"flag instead of value", "set --type --dry-run HIVE", "--type needs a value, and --dry-run looks like another option",
			"if it is the value, write --type=--dry-run"},
		{"end of flags instead of value", "set --type -- HIVE", "--type needs a value, and -- looks like another option",
			"if it is the value, write --type=--"},
		{"empty value", "set HIVE --type=", "--type needs a value", "hivepatch set --help lists the options"},
		{"twice", "set HIVE --type a -t b", "--type is given twice", "hivepatch set --help lists the options"},
		{"switch with a word", "set HIVE --dry-run=maybe", `--dry-run takes no value, or true or false, not "maybe"`,
			"hivepatch set --help lists the options"},
		{"three hyphens", "set HIVE ---dry-run", "unknown option ---dry-run", "did you mean --dry-run?"},
		{"before the command", "--type sz set HIVE", "option --type stands behind the command, such as hivepatch set --type", ""},
		{"version with more", "--version set", "--version stands alone", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := arrange(testApp(), strings.Fields(c.arguments))
			require.EqualError(t, err, c.want)
			require.Equal(t, exitUsage, exitCode(err))
			require.Equal(t, c.hint, hintOf(err))
		})
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"patch", "patch", 0}, {"", "abc", 3}, {"abc", "", 3},
		{"patch", "pach", 1}, {"patch", "pattch", 1}, {"patch", "pitch", 1}, {"patch", "pacth", 1},
		{"show", "check", 4},
	} {
		require.Equal(t, c.want, distance(c.a, c.b), "%s, %s", c.a, c.b)
	}
}

// Every command says what it does, and asks nothing of cli that invoke does not do.
func TestCommands(t *testing.T) {
	app := newApp(&environment{})
	for _, command := range app.Commands {
		require.Empty(t, command.Subcommands, command.Name)
		require.Nil(t, command.Before, command.Name)
		require.Nil(t, command.After, command.Name)
		require.NotEmpty(t, command.Usage, command.Name)
		for _, flag := range command.Flags {
			require.NotEmpty(t, meaning(flag), "%s --%s", command.Name, flag.Names()[0])
			if required, ok := flag.(cli.RequiredFlag); ok {
				require.False(t, required.IsRequired(), "%s --%s", command.Name, flag.Names()[0])
			}
		}
		if !command.Hidden && command.Name != "help" {
			require.Contains(t, command.Description, "Examples:", command.Name)
		}
	}
}
