package main

import (
	_ "embed"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

const completionDescription = `Prints a script that lets a shell complete commands, options, presets and files.

Examples:
   bash:        source <(hivepatch completion bash)
   zsh:         hivepatch completion zsh >"${fpath[1]}/_hivepatch"
   fish:        hivepatch completion fish >~/.config/fish/completions/hivepatch.fish
   PowerShell:  hivepatch completion powershell | Out-String | Invoke-Expression`

// The scripts run "hivepatch __complete =WORD WORD...": the word to complete,
// behind an equals sign because PowerShell drops empty arguments, and the words
// before it. The answer has one candidate a line, with a tab and its meaning
// behind it, and the line :file where files fit.
var (
	//go:embed completion/hivepatch.bash
	bashCompletion string
	//go:embed completion/hivepatch.zsh
	zshCompletion string
	//go:embed completion/hivepatch.fish
	fishCompletion string
	//go:embed completion/hivepatch.ps1
	powershellCompletion string
)

// shells are the names of the shells that there is a script for.
func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

func completionScript(shell string) (string, bool) {
	script, ok := map[string]string{
		"bash":       bashCompletion,
		"zsh":        zshCompletion,
		"fish":       fishCompletion,
		"powershell": powershellCompletion,
		"pwsh":       powershellCompletion,
	}[strings.ToLower(shell)]
	return script, ok
}

func newCompletionCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "completion",
		Usage:       "print a completion script for a shell",
		UsageText:   "hivepatch completion bash|zsh|fish|powershell",
		Description: completionDescription,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return hinted(usagef("one SHELL, not %d", c.NArg()), "%s", c.Command.UsageText)
			}
			return runCompletion(env, c.Args().First())
		},
	}
}

func runCompletion(env *environment, shell string) error {
	script, ok := completionScript(shell)
	if !ok {
		return hinted(usagef("no completion for shell %q", shell), "there is %s", strings.Join(shells(), ", "))
	}
	_, err := io.WriteString(env.stdout, script)
	return err
}
