package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// What the help of a program says of its commands and options.
var (
	commandLine = regexp.MustCompile(`(?m)^   ([a-z]+)  `)
	optionLine  = regexp.MustCompile(`(?m)^   (--[a-z-]+)[ ,]`)
)

// inspectDocs wants every command and option that the help of the program shows
// in the manual page, and offered where a shell completes.
func inspectDocs(program, manPage string) error {
	page, err := os.ReadFile(manPage)
	if err != nil {
		return err
	}
	manual := strings.ReplaceAll(string(page), `\-`, "-")
	help, err := output(program, "--help")
	if err != nil {
		return err
	}
	_, list, _ := strings.Cut(help, "\nCOMMANDS:\n")
	commands := commandLine.FindAllStringSubmatch(list, -1)
	if len(commands) == 0 {
		return errors.New("the help lists no commands")
	}
	offered, err := output(program, "__complete", "=")
	if err != nil {
		return err
	}
	for _, found := range commands {
		command := found[1]
		if !strings.Contains(manual, "\n.SH "+command+"\n") {
			return fmt.Errorf("the manual has no section on %s", command)
		}
		if !strings.Contains("\n"+offered, "\n"+command+"\t") {
			return fmt.Errorf("completion does not offer %s", command)
		}
		if err := inspectOptions(program, command, manual); err != nil {
			return err
		}
	}
	return nil
}

func inspectOptions(program, command, manual string) error {
	help, err := output(program, command, "--help")
	if err != nil {
		return err
	}
	offered, err := output(program, "__complete", "=--", command)
	if err != nil {
		return err
	}
	_, section, _ := strings.Cut(manual, "\n.SH "+command+"\n")
	section, _, _ = strings.Cut(section, "\n.SH ")
	_, list, _ := strings.Cut(help, "\nOPTIONS:\n")
	options := optionLine.FindAllStringSubmatch(list, -1)
	if len(options) == 0 {
		return fmt.Errorf("the help of %s lists no options", command)
	}
	for _, found := range options {
		option := found[1]
		if !strings.Contains("\n"+offered, "\n"+option+"\t") {
			return fmt.Errorf("completion does not offer %s %s", command, option)
		}
		if option != "--help" && !strings.Contains(section, option) {
			return fmt.Errorf("the manual says nothing of %s %s", command, option)
		}
	}
	return nil
}

func output(program string, arguments ...string) (string, error) {
	text, err := exec.Command(program, arguments...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", program, strings.Join(arguments, " "), err)
	}
	return string(text), nil
}
