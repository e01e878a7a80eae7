package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/hivefile"
)

const extractDescription = `Copies a hive and its transaction logs out of the image of a disk, or of a Windows
volume, into the folder DIR, byte for byte and under the names that they have
there. DIR is made where it is not there. Nothing in it is replaced without
--overwrite, and where one file cannot be written none is left.

Without --hive it is the hive SYSTEM.

Examples:
   hivepatch extract disk.img -o hives
   hivepatch extract disk.qcow2 --partition 3 --hive SOFTWARE -o hives
   hivepatch extract /mnt/win --user Bob -o hives`

// extractOptions are the options of the command extract.
type extractOptions struct {
	target    targetOptions
	folder    string
	overwrite bool
	dryRun    bool
	report    reportOptions
}

func newExtractCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "extract",
		Usage:       "copy a hive and its logs out of a disk image or a Windows volume",
		UsageText:   "hivepatch extract TARGET -o DIR [options]",
		Description: extractDescription,
		Flags: slices.Concat(volumeFlags(), []cli.Flag{
			stringFlag(headingOutput, "output", "copy the files into the folder `DIR`", "o"),
			boolFlag(headingOutput, "overwrite", "replace files in DIR; never what was read"),
			boolFlag(headingOutput, "dry-run", "do everything but write"),
		}, reportFlags()),
		Action: func(c *cli.Context) error {
			o, err := readExtractOptions(env, c)
			if err != nil {
				return err
			}
			return runExtract(env, o)
		},
	}
}

func readExtractOptions(env *environment, c *cli.Context) (o extractOptions, err error) {
	o.folder, o.overwrite, o.dryRun = c.String("output"), c.Bool("overwrite"), c.Bool("dry-run")
	switch {
	case c.Args().First() == standardStream:
		return o, usagef("TARGET of extract is an image, a folder or a file, not standard input")
	case c.NArg() > 0 && o.folder == "":
		return o, hinted(usagef("no output given"), "-o DIR says where the files go")
	}
	if o.target, err = readTarget(env, c); err != nil {
		return o, err
	}
	o.report, err = readReportOptions(c)
	return o, err
}

// extractReport is what extract tells; its JSON form is a contract with scripts.
type extractReport struct {
	DryRun bool            `json:"dry_run"`
	Files  []extractedFile `json:"files"` // the hive, and its logs
}

type extractedFile struct {
	From   string `json:"from"`
	Path   string `json:"path"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

func runExtract(env *environment, o extractOptions) error {
	sources, err := o.read(env)
	if err != nil {
		return err
	}
	report := extractReport{DryRun: o.dryRun}
	for _, source := range sources {
		report.Files = append(report.Files, extractedFile{
			From: source.Path, Path: filepath.Join(o.folder, filepath.Base(source.Path)),
			Size: int64(len(source.Data)), SHA256: fmt.Sprintf("%x", sha256.Sum256(source.Data)),
		})
	}
	if !o.dryRun {
		if err := o.copyOut(sources, report.Files); err != nil {
			return err
		}
	}
	r := newReporter(env.stdout, env.stderr, o.report)
	if r.json {
		if err := r.object(report); err != nil {
			return err
		}
	}
	for _, file := range report.Files {
		r.line("%s: %d bytes, from %s", file.Path, file.Size, file.From)
	}
	if o.dryRun {
		r.line("nothing was written, this is a dry run")
	}
	return r.flush()
}

// read reads the hive and its logs. What is in them does not matter.
func (o extractOptions) read(env *environment) ([]*hivefile.Source, error) {
	source, err := o.target.hive.Read()
	if err != nil {
		return nil, o.target.wrap(err)
	}
	logs, err := o.target.hive.ReadLogs()
	if err != nil {
		return nil, o.target.wrap(err)
	}
	o.target.warnOfUnfinished(env, &hivefile.File{})
	return append([]*hivefile.Source{source}, logs...), nil
}

// copyOut writes all files or none. What --overwrite has replaced stays so.
func (o extractOptions) copyOut(sources []*hivefile.Source, files []extractedFile) (err error) {
	image, err := os.Stat(o.target.path)
	if err != nil {
		return err
	}
	inputs := append(slices.Clone(sources), &hivefile.Source{Path: o.target.path, Info: image})
	made, err := makeFolder(o.folder)
	if err != nil {
		return err
	}
	defer func() {
		for _, path := range slices.Backward(made) {
			if err == nil {
				break
			}
			if removeErr := os.Remove(path); removeErr != nil {
				err = fmt.Errorf("%w (and %s is left: %w)", err, path, removeErr)
			}
		}
	}()
	for i, source := range sources {
		_, statErr := os.Lstat(files[i].Path)
		if err := hivefile.WriteNew(files[i].Path, source.Data, hivefile.SaveOptions{Overwrite: o.overwrite, Inputs: inputs, Perm: source.Perm()}); err != nil {
			return err
		}
		if errors.Is(statErr, os.ErrNotExist) {
			made = append(made, files[i].Path)
		}
	}
	return nil
}

// makeFolder makes a folder, unless it is there, and returns it if it did.
func makeFolder(path string) (made []string, err error) {
	err = os.Mkdir(path, 0o777)
	if errors.Is(err, os.ErrExist) {
		return nil, nil // where it is none, whoever writes into it says so
	}
	if err != nil {
		return nil, err
	}
	return []string{path}, nil
}
