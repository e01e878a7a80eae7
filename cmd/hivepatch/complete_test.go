package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The first argument of each case is the word to complete, the others stand
// before it.
func TestComplete(t *testing.T) {
	for _, c := range []struct {
		name  string
		words string
		want  string
	}{
		{"commands", "= ", strings.Join(commandNames(), " ")},
		{"half a command", "=rec", "recover"},
		{"no such command", "=x", ""},
		{"global flags", "=-", "--version --help"},
		{"half a flag", "=--d patch", "--dry-run"},
		{"half a flag that is a value", "=--no patch SYSTEM -o", ":file"},
		{"half a flag behind a value", "=--non patch SYSTEM -o new", "--noninteractive"},
		{"hyphens", "=-- check", "--hive --user --partition --no-rollback --any-folder --journal --log --ignore-logs --json --quiet --verbose --help"},
		{"alias", "=-q check", "-q"},
		{"hive of a folder", "=S ls D: --hive", "SYSTEM SOFTWARE SAM SECURITY"},
		{"no such flag", "=--zzz check", ""},
		{"target", "= check", ":file"},
		{"half a target", "=SYS patch --dry-run", ":file"},
		{"behind --", "=--d patch --", ":file"},
		{"output", "= patch SYSTEM -o", ":file"},
		{"output in one word", "=--output=x patch SYSTEM", ":file"},
		{"log", "= show SYSTEM --log", ":file"},
		{"preset", "=services-m patch --preset", "services-max"},
		{"preset in one word", "=--preset=services-m patch", "--preset=services-max"},
		{"control set", "=l patch --control-set", "lastknowngood"},
		{"number", "=5 patch --noninteractive", ""},
		{"value of a switch", "=--json= patch", ""},
		{"formats of new", "= new --format", "1.3 1.5"},
		{"formats of export", "= export SYSTEM --format", "reg json"},
		{"format in one word", "=--format=j export", "--format=json"},
		{"shell", "= completion", "bash zsh fish powershell"},
		{"help", "=pa help", "patch"},
		{"behind an unknown command", "=--d nosuch", ""},
		{"behind a hidden command", "=--d __complete", ""},
		{"hidden command", "=ma", ""},
		{"types", "=dw find SYSTEM x --type", "dword dword_be"},
		{"behind a bundle", "=--js ls -rl SYSTEM", "--json"},
		{"unknown flag before", "=--d patch --zzz", "--dry-run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := program(append([]string{"__complete"}, strings.Fields(c.words)...)...)
			require.Zero(t, r.code)
			require.Empty(t, r.stderr)
			var words []string
			for line := range strings.Lines(r.stdout) {
				word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
				words = append(words, word)
			}
			require.Equal(t, c.want, strings.Join(words, " "))
		})
	}
}

// commandNames are the commands that the help shows.
func commandNames() []string {
	var names []string
	for _, command := range newApp(&environment{}).VisibleCommands() {
		names = append(names, command.Name)
	}
	return names
}

// Each script is one that its shell can read.
func TestCompletionScripts(t *testing.T) {
	for _, c := range []struct {
		shell   string
		command []string
	}{
		{"bash", []string{"bash", "-n"}},
		{"zsh", []string{"zsh", "-f", "-n"}},
		{"fish", []string{"fish", "--no-config", "--no-execute"}},
		{"powershell", []string{"pwsh", "-NoProfile", "-Command", "$e=$null; $null=[ScriptBlock]::Create([Console]::In.ReadToEnd())"}},
	} {
		t.Run(c.shell, func(t *testing.T) {
			r := program("completion", c.shell)
			require.Zero(t, r.code, r.stderr)
			require.NotContains(t, r.stdout, "\r")
			if _, err := exec.LookPath(c.command[0]); err != nil {
				t.Skipf("%s is not here: %v", c.command[0], err)
			}
			command := exec.Command(c.command[0], c.command[1:]...)
			command.Stdin = strings.NewReader(r.stdout)
			output, err := command.CombinedOutput()
			require.NoError(t, err, "%s", output)
			require.Empty(t, output)
		})
	}
}

// The completion must offer each command and flag that the help shows.
func TestCompletionIsWhole(t *testing.T) {
	app := newApp(&environment{})
	for _, command := range app.VisibleCommands() {
		found := map[string]bool{}
		for _, c := range complete(app, []string{command.Name}, "--").list {
			found[c.word] = true
			require.NotEmpty(t, c.meaning)
		}
		for _, flag := range command.Flags {
			require.True(t, found["--"+flag.Names()[0]], "%s --%s", command.Name, flag.Names()[0])
		}
	}
}
