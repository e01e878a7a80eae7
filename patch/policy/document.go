package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"hivepatch/hive"
)

// MaxSize is the largest policy that is read, in bytes.
const MaxSize = 512 << 10

// Limits of what a policy may cost. No policy that says what it means without
// references comes near them.
const (
	mostLevels = 32
	// mostWork bounds what references to other parts of the document make of it:
	// nodes and bytes of text that are looked at.
	mostWork = 8 << 20
	nodeWork = 16
)

// document reads the one document in a file. It checks that the text is text by
// itself, because the YAML reader does not say where it is not.
func document(data []byte) (*yaml.Node, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("the policy has more than %d bytes", MaxSize)
	}
	text, err := decodeText(data)
	if err != nil {
		return nil, err
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(mostLevels))))
	if err != nil {
		return nil, err
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		return nil, failf(Position{1, 1}, "the policy is empty")
	case err != nil:
		return nil, syntaxError(err)
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, failf(position(&second), "a second document begins here: a policy is one")
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(err)
	}
	if first.Kind == yaml.DocumentNode && len(first.Content) == 1 {
		return first.Content[0], nil
	}
	return &first, nil
}

// decodeText returns text in UTF-8 without a mark at its start, in which the YAML
// reader finds no surprise. UTF-16 with a mark, as PowerShell writes it, is
// decoded.
func decodeText(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) {
		data = []byte(hive.DecodeText(data[2:]))
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	at := Position{1, 1}
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			return nil, failf(at, "the policy is not text in UTF-8: byte %#02x", rest[0])
		case r == '\n':
			at = Position{at.Line + 1, 0}
		case r == '%' && at.Column == 1:
			// The work of the YAML reader grows with the square of their number.
			return nil, failf(at, "a line that begins with %% is a directive of YAML, and a policy has none")
		case r < ' ' && r != '\t' && r != '\r', r == 0x7F:
			return nil, failf(at, "the control character %U cannot stand in YAML", r)
		}
		at.Column++
		rest = rest[size:]
	}
	return data, nil
}

// syntaxError gives an error of the YAML reader our form.
func syntaxError(err error) error {
	var failed *yaml.LoadError
	var several *yaml.LoadErrors
	if errors.As(err, &several) && len(several.Errors) > 0 {
		failed = several.Errors[0]
	} else if !errors.As(err, &failed) {
		return fmt.Errorf("no YAML: %w", err)
	}
	at := Position{max(1, failed.Mark.Line), max(1, failed.Mark.Column)}
	message := failed.Message
	if failed.ContextMsg != "" {
		message += " " + failed.ContextMsg
		if begin := failed.ContextMark; begin.Line > 0 && begin != failed.Mark {
			message += fmt.Sprintf(" that begins at line %d, column %d", begin.Line, begin.Column)
		}
	}
	return failf(at, "%s", message)
}

func position(n *yaml.Node) Position { return Position{n.Line, n.Column} }
