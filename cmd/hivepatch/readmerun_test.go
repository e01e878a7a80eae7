package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage/imagetest"
)

// Everything that the README shows behind a prompt is typed, one after the other,
// in a folder with nothing but testdata in it, and prints what is shown there.
func TestReadmeExamples(t *testing.T) {
	needReadmePrograms(t, "sh", "cat", "cmp", "cp", "cut", "dd", "grep", "head", "jq", "od", "sed", "sha256sum")
	shell := startShell(t, "sh")
	for _, block := range readReadme(t).blocks {
		if block.prompt() != "$ " || block.section == imageSection {
			continue
		}
		for _, example := range block.examples() {
			if reason := notRun[example.command]; reason != "" {
				continue
			}
			shell.giveShownFile(t, example)
			command := strings.ReplaceAll(example.command, "go run ./cmd/hivepatch", programName)
			example.require(t, shell.run(t, command))
		}
	}
}

// notRun are the examples that are not run, and why.
var notRun = map[string]string{
	"go test ./...": "these are the tests",
}

// The page for WinPE, with a folder as D:. That paths have a letter and \ there
// is all that differs.
func TestReadmeWinPE(t *testing.T) {
	needReadmePrograms(t, "sh", "cp")
	shell := startShell(t, "sh")
	require.Empty(t, shell.run(t, "mkdir -p drive/Windows/System32/config && cp testdata/win10-dirty/* drive/Windows/System32/config"))
	path := regexp.MustCompile(`\bdrive(/[^\s,:]*)?`)
	for _, block := range readReadme(t).blocks {
		if block.prompt() != `X:\> ` {
			continue
		}
		for _, example := range block.examples() {
			output := shell.run(t, strings.ReplaceAll(example.command, `D:\`, "drive/"))
			example.require(t, path.ReplaceAllStringFunc(output, func(path string) string {
				return strings.ReplaceAll(strings.Replace(path, "drive", "D:", 1), "/", `\`)
			}))
		}
	}
}

// The page for Linux, with a real volume on /mnt that nothing else sees. Its hive
// has a short name, as those have that Windows made.
func TestReadmeLinux(t *testing.T) {
	needReadmePrograms(t, "mkntfs", "ntfs-3g", "unshare", "setfattr")
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil || exec.Command("unshare", "--mount", "true").Run() != nil {
		skipReadme(t, "there is no FUSE, or root may not mount here")
	}
	shell := startShell(t, "unshare", "--mount", "sh")
	shell.run(t, "truncate -s 8M volume && mkntfs -q -F volume && ntfs-3g volume /mnt && mkdir -p /mnt/Windows/System32/config && "+
		"cp testdata/win10-dirty/* /mnt/Windows/System32/config && setfattr -n system.ntfs_dos_name -v SYSTEM /mnt/Windows/System32/config/SYSTEM && umount /mnt")
	t.Cleanup(func() { shell.run(t, "umount /mnt") })
	for _, block := range readReadme(t).blocks {
		if block.prompt() != "# " {
			continue
		}
		for _, example := range block.examples() {
			example.require(t, shell.run(t, strings.ReplaceAll(example.command, "/dev/sda2", "volume")))
		}
	}
}

// imageSection is the page with a disk image, which is none of testdata.
const imageSection = "Disk images"

// The page for disk images, with one that others than hivepatch have made.
func TestReadmeImages(t *testing.T) {
	needReadmePrograms(t, "sh")
	hive, err := os.ReadFile(filepath.Join(root, "testdata", "win10", "SYSTEM"))
	require.NoError(t, err)
	image := imagetest.Build(t, imagetest.Spec{Table: imagetest.GPT, Volumes: []imagetest.Volume{
		{Size: 16 << 20, Files: []imagetest.File{{Path: "recovery.txt", Data: []byte("no Windows here")}}},
		{Size: 64 << 20, Files: []imagetest.File{{Path: "Windows/System32/config/SYSTEM", Data: hive}}},
	}})
	shell := startShell(t, "sh")
	require.NoError(t, os.Rename(image.Path, filepath.Join(shell.folder, "disk.img")))
	for _, block := range readReadme(t).blocks {
		if block.section != imageSection {
			continue
		}
		for _, example := range block.examples() {
			example.require(t, shell.run(t, example.command))
		}
	}
}

func needReadmePrograms(t *testing.T, names ...string) {
	if runtime.GOOS == "windows" {
		t.Skip("the examples are for a shell of Unix")
	}
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			skipReadme(t, name+" is not installed")
		}
	}
}

func skipReadme(t *testing.T, reason string) {
	if os.Getenv("HIVEPATCH_REQUIRE_PEERS") == "1" {
		t.Fatalf("%s, and HIVEPATCH_REQUIRE_PEERS is 1", reason)
	}
	t.Skip(reason)
}

// backupTime is the part of the name of a backup that is the time of the run.
var backupTime = regexp.MustCompile(`\b\d{8}T\d{6}Z(-\d+)?`)

// require requires that the example printed what the README shows.
func (e readmeExample) require(t *testing.T, printed string) {
	t.Helper()
	// A terminal does not show the CR of CSV.
	printed = strings.TrimRight(strings.ReplaceAll(printed, "\r\n", "\n"), "\n")
	var lines []string
	if printed != "" {
		lines = strings.Split(backupTime.ReplaceAllString(printed, "TIME"), "\n")
	}
	var shown []string
	for _, line := range withoutBlankEnd(e.output) {
		shown = append(shown, backupTime.ReplaceAllString(line, "TIME"))
	}
	if !sameLines(shown, lines) {
		t.Errorf("README.md:%d: %s\nprints\n%s", e.line, e.command, printed)
	}
}

// shell is a shell to type commands into, in a folder of its own.
type shell struct {
	folder string
	input  io.Writer
	output *bufio.Reader
}

const endOfOutput = "end-of-output"

// startShell starts a shell in a new folder with the files of testdata.
func startShell(t *testing.T, name string, args ...string) *shell {
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(folder, "testdata"), os.DirFS(filepath.Join(root, "testdata"))))
	command := exec.Command(name, args...)
	command.Dir = folder
	// The time of every edit, so that the bytes are the same; the README says so.
	command.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1767225600", "LC_ALL=C")
	input, err := command.StdinPipe()
	require.NoError(t, err)
	output, all, err := os.Pipe()
	require.NoError(t, err)
	command.Stdout, command.Stderr = all, all
	require.NoError(t, command.Start())
	require.NoError(t, all.Close())
	t.Cleanup(func() {
		require.NoError(t, input.Close())
		require.NoError(t, command.Wait())
		require.NoError(t, output.Close())
	})
	return &shell{folder, input, bufio.NewReader(output)}
}

// run runs a command and returns what it prints, on both outputs.
func (s *shell) run(t *testing.T, command string) string {
	t.Helper()
	_, err := fmt.Fprintf(s.input, "{ %s\n} </dev/null; echo %s\n", command, endOfOutput)
	require.NoError(t, err)
	var printed strings.Builder
	for {
		line, err := s.output.ReadString('\n')
		require.NoError(t, err, "%s\n%s", command, printed.String())
		if before, ok := strings.CutSuffix(line, endOfOutput+"\n"); ok {
			printed.WriteString(before)
			return printed.String()
		}
		printed.WriteString(line)
	}
}

// giveShownFile writes the file that the README has a reader print before
// anything made it: it is as it is shown.
func (s *shell) giveShownFile(t *testing.T, e readmeExample) {
	name, ok := strings.CutPrefix(e.command, "cat ")
	path := filepath.Join(s.folder, name)
	if _, err := os.Stat(path); ok && os.IsNotExist(err) {
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(e.output, "\n")+"\n"), 0o666))
	}
}
