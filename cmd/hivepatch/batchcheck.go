package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"

	"github.com/urfave/cli/v2"
)

// batchCheck looks at all targets before the first is touched: their settings
// must make sense, and no hive may be there twice.
type batchCheck struct {
	env   *environment // that says nothing but what is done to an image
	c     *cli.Context
	batch *batchCommand
	work  *batchWork
	list  *targetList
	seen  map[any]int // targets by the files that they are about
}

func newBatchCheck(env *environment, c *cli.Context, batch *batchCommand, work *batchWork, list *targetList) *batchCheck {
	return &batchCheck{env.beside(io.Discard, env.stderr), c, batch, work, list, map[any]int{}}
}

func (b *batchCheck) run() error {
	for at := range b.list.targets {
		err := b.target(at)
		if endErr := b.env.end(); err == nil {
			err = endErr
		}
		if err != nil {
			return b.list.explain(at, err)
		}
	}
	return nil
}

// target returns usage errors. What else is wrong with a target is told when its
// turn comes, since it is no reason to leave out the others.
func (b *batchCheck) target(at int) error {
	t := b.list.targets[at]
	switch t.path {
	case "":
		return usagef("TARGET is empty")
	case standardStream:
		return usagef("standard input cannot be one of several targets")
	}
	c, err := b.batch.target(b.c, t)
	if err != nil {
		return err
	}
	hives, err := b.work.hives(b.env, c)
	if err != nil && isUsage(err) {
		return err
	}
	for _, path := range append(hives, t.path) {
		if b.env.receipts != nil {
			if err := b.env.receipts.refuse(path); err != nil {
				return err
			}
		}
		if err := b.once(path, at); err != nil {
			return err
		}
	}
	return nil
}

// once requires that no other target is about a file, by whatever name.
func (b *batchCheck) once(path string, at int) error {
	var file any = identify(path)
	if file == nil {
		file = absolute(path)
	}
	first, twice := b.seen[file]
	if !twice {
		b.seen[file] = at
		return nil
	}
	if first == at {
		return nil
	}
	other := b.list.targets[first]
	where := ""
	if b.list.name != "" {
		where = fmt.Sprintf(" in line %d", other.line)
	}
	if other.path == b.list.targets[at].path {
		return usagef("%s is there twice, first%s", other.path, cmp.Or(where, " before"))
	}
	return usagef("%s leads to the same file as %s%s", b.list.targets[at].path, other.path, where)
}

// explain says where in the list an error is.
func (l *targetList) explain(at int, err error) error {
	if l.name == "" {
		return err // it names the target where it is not about them all
	}
	hint := hintOf(err)
	err = &listError{list: l.name, line: l.targets[at].line, err: err}
	if hint != "" {
		return hinted(err, "%s", hint)
	}
	return err
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return filepath.Clean(path)
}
