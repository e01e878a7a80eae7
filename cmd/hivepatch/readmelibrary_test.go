package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	goimporter "go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// libraryGiven are the variables that the Go of the README takes for given.
const libraryGiven = `
var (
	ctx           context.Context
	data, newData []byte
	logs          []txlog.Log
	text          []byte
	h, a, b       *hive.Hive
	file          *hivefile.File
)`

// The Go of the README compiles.
func TestReadmeLibrary(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not installed")
	}
	packages := libraryPackages(t)
	var header strings.Builder
	header.WriteString("package readme\n")
	for path := range packages {
		if imported := []string{"context", "fmt", "os", "time"}; strings.HasPrefix(path, "hivepatch/") || slices.Contains(imported, path) {
			fmt.Fprintf(&header, "import %q\n", path)
		}
	}
	header.WriteString(libraryGiven + "\n")
	found := 0
	for _, block := range readReadme(t).blocks {
		if _, other := otherBlocks[block.lines[0]]; block.section != librarySection || other {
			continue
		}
		found++
		source := header.String() + "func _() {\n" + fmt.Sprintf("//line README.md:%d\n", block.line) + strings.Join(block.lines, "\n") + "\n}\n"
		for _, err := range compile(packages, source) {
			t.Error(err)
		}
	}
	require.Greater(t, found, 8)
	require.NotEmpty(t, compile(packages, header.String()+"func _() { hive.Mend() }\n"))
}

// libraryPackages are the packages of the module and those that they import, and
// where the go command keeps what it compiled of them.
func libraryPackages(t *testing.T) map[string]string {
	command := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", "./hive/...", "./patch/...")
	command.Dir = root
	var stderr strings.Builder
	command.Stderr = &stderr
	listed, err := command.Output()
	require.NoError(t, err, stderr.String())
	packages := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var listed struct{ ImportPath, Export string }
		err := decoder.Decode(&listed)
		if errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		packages[listed.ImportPath] = listed.Export
	}
}

// compile returns what is wrong with a file. That a snippet does nothing with what
// it has, or imports more than it needs, is not.
func compile(packages map[string]string, source string) (all []error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "readme.go", source, 0)
	if err != nil {
		return []error{err}
	}
	config := types.Config{
		Importer: goimporter.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(packages[path]) }),
		Error: func(err error) {
			if fault, ok := errors.AsType[types.Error](err); !ok || !fault.Soft {
				all = append(all, err)
			}
		},
	}
	// Each error has gone to Error.
	_, _ = config.Check("readme", files, []*ast.File{file}, nil)
	return all
}
