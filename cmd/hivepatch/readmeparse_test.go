package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the folder of the README, from that of the tests.
var root = filepath.Join("..", "..")

// readme is the README, taken apart.
type readme struct {
	text     string
	headings []string
	blocks   []readmeBlock
}

// readmeBlock is a block of code in the README, indented or fenced.
type readmeBlock struct {
	section string // the heading above it
	line    int    // of its first line
	lines   []string
}

// readmeExample is a command behind a prompt, and what the README says that it
// prints.
type readmeExample struct {
	block   readmeBlock
	line    int
	command string
	output  []string
}

var prompts = []string{"$ ", "# ", `X:\> `}

func readReadme(t *testing.T) readme {
	data, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	return parseReadme(string(data))
}

func parseReadme(text string) readme {
	const indent, fence = "    ", "```"
	parsed := readme{text: text}
	var section string
	var block *readmeBlock
	fenced, blank := false, true
	end := func() {
		if block != nil {
			block.lines = withoutBlankEnd(block.lines)
			parsed.blocks = append(parsed.blocks, *block)
		}
		block = nil
	}
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, fence):
			end()
			fenced = !fenced
			if fenced {
				block = &readmeBlock{section: section, line: i + 2}
			}
		case fenced:
			block.lines = append(block.lines, line)
		case strings.HasPrefix(line, indent) && (blank || block != nil):
			if block == nil {
				block = &readmeBlock{section: section, line: i + 1}
			}
			block.lines = append(block.lines, strings.TrimPrefix(line, indent))
		case line == "" && block != nil:
			block.lines = append(block.lines, "")
		default:
			end()
			if strings.HasPrefix(line, "#") {
				section = strings.TrimLeft(line, "# ")
				parsed.headings = append(parsed.headings, section)
			}
		}
		blank = line == ""
	}
	end()
	return parsed
}

func withoutBlankEnd(lines []string) []string {
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// prompt is what commands stand behind in the block, "" where nothing says what
// of it is a command.
func (b readmeBlock) prompt() string {
	for _, prompt := range prompts {
		if strings.HasPrefix(b.lines[0], prompt) {
			return prompt
		}
	}
	return ""
}

// examples are the commands of the block and what they print.
func (b readmeBlock) examples() []readmeExample {
	prompt := b.prompt()
	if prompt == "" {
		return nil
	}
	var examples []readmeExample
	for i, line := range b.lines {
		if command, ok := strings.CutPrefix(line, prompt); ok {
			examples = append(examples, readmeExample{block: b, line: b.line + i, command: command})
			continue
		}
		last := &examples[len(examples)-1]
		if strings.HasSuffix(last.command, ` \`) && len(last.output) == 0 {
			last.command += "\n" + line
			continue
		}
		last.output = append(last.output, line)
	}
	return examples
}

// programCall finds calls of the program in a line of a shell.
var programCall = regexp.MustCompile(`(?:^|[|&;(] *|do +)(?:hivepatch|go run \./cmd/hivepatch|"[^"]*hivepatch\.exe") +([^|&;)]*)`)

// calls are the words behind the name of the program, for each call of it in the
// text, with those in quotation marks as one.
func calls(text string) [][]string {
	var all [][]string
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		hidden, texts := hideQuoted(line)
		for _, match := range programCall.FindAllStringSubmatch(hidden, -1) {
			words := strings.Fields(match[1])
			for i, word := range words {
				words[i] = showQuoted(word, texts)
			}
			all = append(all, words)
		}
	}
	return all
}

var quoted = regexp.MustCompile(`'[^']*'`)

// hideQuoted puts a mark in place of each text in single quotation marks, so that
// what stands in it is not taken for a part of the command.
func hideQuoted(line string) (string, []string) {
	texts := quoted.FindAllString(line, -1)
	return quoted.ReplaceAllString(line, "\x00"), texts
}

func showQuoted(word string, texts []string) string {
	if word == "\x00" && len(texts) > 0 {
		return strings.Trim(texts[0], "'")
	}
	return word
}

// sameLines tells whether the lines printed are those shown, where "..." stands
// for one or more that are left out.
func sameLines(shown, printed []string) bool {
	const leftOut = "..."
	if len(shown) == 0 {
		return len(printed) == 0
	}
	if shown[0] == leftOut {
		for n := 1; n <= len(printed); n++ {
			if sameLines(shown[1:], printed[n:]) {
				return true
			}
		}
		return false
	}
	return len(printed) > 0 && shown[0] == printed[0] && sameLines(shown[1:], printed[1:])
}

func TestSameLines(t *testing.T) {
	for _, c := range []struct {
		shown, printed string
		same           bool
	}{
		{"a b", "a b", true},
		{"a b", "a", false},
		{"a", "a b", false},
		{"a ... c", "a b b c", true},
		{"a ... c", "a c", false},
		{"a ...", "a b c", true},
		{"... b ... c", "b b c c", true},
		{"... d", "a b c", false},
	} {
		require.Equal(t, c.same, sameLines(strings.Fields(c.shown), strings.Fields(c.printed)), "%s: %s", c.shown, c.printed)
	}
}

func TestParseReadme(t *testing.T) {
	parsed := parseReadme("# Title\n\ntext\n    no code\n\n    $ hivepatch ls 'a | b' | head\n    key\n\n    more\n\n" +
		"## Second\n\n```\nX:\\> hivepatch \\\n  show\n```\n- item\n\n    yaml: 1\n")
	require.Equal(t, []string{"Title", "Second"}, parsed.headings)
	require.Len(t, parsed.blocks, 3)
	first := parsed.blocks[0].examples()
	require.Len(t, first, 1)
	require.Equal(t, 6, first[0].line)
	require.Equal(t, []string{"key", "", "more"}, first[0].output)
	require.Equal(t, [][]string{{"ls", "a | b"}}, calls(first[0].command))
	second := parsed.blocks[1].examples()
	require.Len(t, second, 1)
	require.Equal(t, "Second", second[0].block.section)
	require.Equal(t, [][]string{{"show"}}, calls(second[0].command))
	require.Empty(t, parsed.blocks[2].examples())
	require.True(t, slices.Equal([]string{"yaml: 1"}, parsed.blocks[2].lines))
}
