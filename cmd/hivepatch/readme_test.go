package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/check"
	"hivepatch/patch/policy"
)

// inlineCode is code within a sentence; it may go on in the next line.
var inlineCode = regexp.MustCompile("`([^`]+)`")

// prose is the README without its blocks of code.
func (r readme) prose() string {
	lines := strings.Split(r.text, "\n")
	for _, block := range r.blocks {
		for i := range block.lines {
			lines[block.line-1+i] = ""
		}
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), "```", "")
}

// section is the text below a heading, up to the next one.
func (r readme) section(t *testing.T, heading string) string {
	_, text, found := strings.Cut(r.text, "\n## "+heading+"\n")
	require.True(t, found, heading)
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// Every call of the program in the README, also where it is not run, is of a
// command that there is, with options that it has.
func TestReadmeCalls(t *testing.T) {
	app := newApp(&environment{})
	found := 0
	requireCalls := func(line int, text string) {
		for _, words := range calls(text) {
			found++
			_, err := arrange(app, words)
			if _, ok := strings.CutPrefix(words[0], "--"); !ok {
				require.NotNil(t, app.Command(words[0]), "README.md:%d: %s", line, text)
			}
			require.NoError(t, err, "README.md:%d: %s", line, text)
		}
	}
	parsed := readReadme(t)
	for _, block := range parsed.blocks {
		if block.prompt() == "" {
			requireCalls(block.line, strings.Join(block.lines, "\n"))
		}
		for _, example := range block.examples() {
			requireCalls(example.line, example.command)
		}
	}
	prose := parsed.prose()
	for _, code := range inlineCode.FindAllStringSubmatchIndex(prose, -1) {
		line := 1 + strings.Count(prose[:code[0]], "\n")
		requireCalls(line, strings.Join(strings.Fields(prose[code[2]:code[3]]), " "))
	}
	require.Greater(t, found, 80)
}

// Every command of the program is in the tables of commands, and no other is.
func TestReadmeCommands(t *testing.T) {
	text := readReadme(t).section(t, "Commands")
	var named []string
	for _, match := range regexp.MustCompile("(?m)^\\| `([a-z]+)").FindAllStringSubmatch(text, -1) {
		named = append(named, match[1])
	}
	var want []string
	for _, command := range newApp(&environment{}).VisibleCommands() {
		if command.Name != helpName { // as --help
			want = append(want, command.Name)
		}
	}
	require.ElementsMatch(t, want, named)
}

// Every option that is named in a sentence is one of the program.
func TestReadmeOptions(t *testing.T) {
	others := []string{"--sshlogin"} // of GNU parallel
	known := map[string]bool{"--version": true}
	for _, command := range newApp(&environment{}).Commands {
		for _, flag := range allFlags(command.Flags) {
			for _, name := range flag.Names() {
				known["--"+name] = true
			}
		}
	}
	option := regexp.MustCompile(`(?:^|\s)(--[a-z][a-z0-9-]*)`)
	found := 0
	for _, code := range inlineCode.FindAllStringSubmatch(readReadme(t).prose(), -1) {
		for _, match := range option.FindAllStringSubmatch(code[1], -1) {
			found++
			require.True(t, known[match[1]] || slices.Contains(others, match[1]), match[1])
		}
	}
	require.Greater(t, found, 60)
}

// Links lead to headings of the README, and to files beside it.
func TestReadmeLinks(t *testing.T) {
	parsed := readReadme(t)
	anchors := map[string]bool{}
	for _, heading := range parsed.headings {
		anchors[anchor(heading)] = true
	}
	prose := parsed.prose()
	linked := map[string]bool{}
	for _, match := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(prose, -1) {
		target := match[1]
		if name, ok := strings.CutPrefix(target, "#"); ok {
			require.True(t, anchors[name], target)
			linked[name] = true
		} else if !strings.HasPrefix(target, "https://") {
			require.FileExists(t, filepath.Join(root, filepath.FromSlash(target)))
		}
	}
	for _, heading := range parsed.headings[1:] {
		require.True(t, linked[anchor(heading)], "no link leads to the section %s", heading)
	}
}

// anchor is what GitHub makes of a heading for links to it.
func anchor(heading string) string {
	kept := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}

// The numbers in sentences.
func TestReadmeNumbers(t *testing.T) {
	require.Contains(t, readReadme(t).text, strconv.Itoa(len(check.Rules()))+" rules of the format")
}

// The names in the JSON of the program are in the README, and the lists of names
// there have no others.
func TestReadmeJSON(t *testing.T) {
	names := regexp.MustCompile(`[a-zA-Z0-9_]+`)
	named, listed := map[string]bool{}, map[string]bool{}
	for _, code := range inlineCode.FindAllStringSubmatch(readReadme(t).section(t, "JSON"), -1) {
		for _, name := range names.FindAllString(code[1], -1) {
			named[name] = true
			if strings.Contains(code[1], "{") && name != "or" && name != strings.ToUpper(name) {
				listed[name] = true
			}
		}
	}
	tags := jsonTags(t, ".", filepath.Join(root, "patch"))
	delete(tags, "description") // of a schema
	require.Greater(t, len(tags), 100)
	for tag, file := range tags {
		if !named[tag] {
			t.Errorf("%s: %q is not in the section on JSON", file, tag)
		}
	}
	ofReceipts := jsonTags(t, filepath.Join(root, "hive", "receipt"), filepath.Join(root, "hive", "edit"))
	for name := range listed {
		if tags[name] == "" && ofReceipts[name] == "" {
			t.Errorf("the section on JSON has %q, and the program has not", name)
		}
	}
}

// jsonTags are the names of fields in the JSON that the packages in the folders
// write, and the files they are in.
func jsonTags(t *testing.T, folders ...string) map[string]string {
	// In a tag, or in what is written without the help of a struct.
	tag := regexp.MustCompile("(?:`json:|[`{,])\"([a-z0-9_]+)(?:\"`|,omit|\":)")
	tags := map[string]string{}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, match := range tag.FindAllStringSubmatch(string(source), -1) {
				tags[match[1]] = file
			}
		}
	}
	return tags
}

// otherBlocks are the blocks that are not behind a prompt and no Go: their first
// lines, and why they are not run.
var otherBlocks = map[string]string{
	"go install ./cmd/hivepatch                # from a clone":                                "builds; .ci/run does",
	"diskpart                                    then: list volume, exit":                     "programs of Windows",
	"C=/Windows/System32/config":                                                              "needs a WIM: testdata/recipes/wim.sh is run",
	`Dism /Mount-Image /ImageFile:install.wim /Index:1 /MountDir:C:\mount`:                    "needs Windows",
	`"%DEPLOYROOT%\Tools\x64\hivepatch.exe" patch %OSDisk%\ --in-place --noninteractive 2048`: "needs Windows",
	"virt-copy-out -a disk.qcow2 /Windows/System32/config/SYSTEM .":                           "needs a virtual machine",
	`post-processor "shell-local" {`:                                                          "needs Packer",
	"go mod edit -require=hivepatch@v0.0.0 -replace=hivepatch=../hivepatch && go mod tidy":    "is about another module",
}

const policySection, librarySection = "Policies", "As a library"

// No block of code escapes these tests: it is an example that is run, a policy
// that is read, Go that is compiled, or on the list above.
func TestReadmeBlocks(t *testing.T) {
	left := map[string]bool{}
	for first := range otherBlocks {
		left[first] = true
	}
	for _, block := range readReadme(t).blocks {
		_, other := otherBlocks[block.lines[0]]
		switch {
		case other:
			delete(left, block.lines[0])
		case block.prompt() != "", block.section == librarySection:
		case block.section == policySection:
			_, err := policy.Parse([]byte(strings.Join(block.lines, "\n") + "\n"))
			require.NoError(t, err, "README.md:%d", block.line)
		default:
			t.Errorf("README.md:%d: nothing says what is to be done with this block", block.line)
		}
	}
	require.Empty(t, left, "is not in the README any more")
}
