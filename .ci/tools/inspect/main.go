// Command inspect checks what a release is made of:
//
//	inspect binary FILE...                programs, for size and what they need
//	inspect docs PROGRAM MANPAGE          the texts, for every command and option
//	inspect sbom VERSION FILE             prints the parts of a program as CycloneDX
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "inspect:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) >= 2 && arguments[0] == "binary":
		var problems []error
		for _, path := range arguments[1:] {
			problems = append(problems, inspectBinary(os.Stdout, path))
		}
		return errors.Join(problems...)
	case len(arguments) == 3 && arguments[0] == "docs":
		return inspectDocs(arguments[1], arguments[2])
	case len(arguments) == 3 && arguments[0] == "sbom":
		return writeSBOM(os.Stdout, arguments[1], arguments[2])
	}
	return errors.New("usage: inspect binary FILE... | docs PROGRAM MANPAGE | sbom VERSION FILE")
}
