package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// batchCheck looks at all targets before the first is touched: their settings
// must make sense, and no hive may be there twice.
type batchCheck struct {
	env      *environment // of which nothing is printed but what is done to an image
	contexts *batchContexts
	work     *batchWork
	list     *targetList
	seen     map[any]int // targets by the hives that they are about
	groups   targetGroups
}

func newBatchCheck(env *environment, contexts *batchContexts, work *batchWork, list *targetList) *batchCheck {
	return &batchCheck{
		env: env.beside(io.Discard, env.stderr), contexts: contexts, work: work, list: list,
		seen: map[any]int{}, groups: targetGroups{known: map[any]int{}},
	}
}

// run returns the targets in groups.
func (b *batchCheck) run() ([][]int, error) {
	for at := range b.list.targets {
		err := b.target(at)
		if endErr := b.env.end(); err == nil {
			err = endErr
		}
		if err != nil {
			return nil, b.list.explain(at, 0, err)
		}
	}
	for _, group := range b.groups.all {
		for _, at := range group {
			b.list.targets[at].shared = len(group) > 1
		}
	}
	return b.groups.all, nil
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
	hives, err := b.hives(t)
	if err != nil {
		return b.list.explain(at, b.column(t, err), err)
	}
	file := identifyAnyway(t.path)
	b.groups.add(at, file)
	if err := b.refuseAsReceipt(t.path); err != nil {
		return err
	}
	if len(hives) == 0 { // what they are will be found out, or not, in the same way
		return b.once(unknownHive{file, strings.Join(t.settings, "\x00")}, at)
	}
	for _, hive := range hives {
		if err := b.refuseAsReceipt(hive.name()); err != nil {
			return err
		}
		if err := b.once(identifyHive(hive), at); err != nil {
			return err
		}
	}
	return nil
}

// hives returns the hives that a target is about, as far as they are found, and
// usage errors.
func (b *batchCheck) hives(t listedTarget) ([]targetOptions, error) {
	c, err := b.contexts.of(t)
	if err != nil {
		return nil, err
	}
	hives, err := b.work.hives(b.env, c)
	if err != nil && isUsage(err) {
		return nil, err
	}
	return hives, nil
}

// column returns where the setting stands that an error is about: the first that
// leads to it together with those before it. It is 0 where none does.
func (b *batchCheck) column(t listedTarget, err error) int {
	all := t.settings
	for n := range len(all) + 1 {
		t.settings = all[:n]
		_ = b.env.end() // what was opened was only looked at
		if _, some := b.hives(t); some == nil || some.Error() != err.Error() {
			continue
		}
		if n == 0 {
			return 0
		}
		return t.columns[n-1]
	}
	return 0
}

func (b *batchCheck) refuseAsReceipt(path string) error {
	if b.env.receipts == nil {
		return nil
	}
	return b.env.receipts.refuse(path)
}

// once requires that no other target is about a hive, by whatever name.
func (b *batchCheck) once(hive any, at int) error {
	first, twice := b.seen[hive]
	if !twice {
		b.seen[hive] = at
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
	return usagef("%s leads to the same hive as %s%s", b.list.targets[at].path, other.path, where)
}

// hiveInImage tells hives in images apart, whatever leads to them.
type hiveInImage struct {
	image  any   // identity of the file
	volume int64 // where in the image it begins, in bytes
	path   string
}

// unknownHive is one that cannot be found, or not yet.
type unknownHive struct {
	target   any // identity of the file
	settings string
}

// identifyHive returns the identity of a hive.
func identifyHive(o targetOptions) any {
	if !o.isInImage() {
		return identifyAnyway(o.name())
	}
	volume := o.volume.volume.inImage
	path := strings.TrimPrefix(o.name(), volume.ntfs.Name())
	return hiveInImage{identifyAnyway(volume.image.Path()), volume.ntfs.Volume().Offset, path}
}

// identifyAnyway returns the identity of a file or, where it has none, its path.
func identifyAnyway(path string) any {
	if file := identify(path); file != nil {
		return file
	}
	return absolute(path)
}

// targetGroups has targets that are one file in groups: two hives in an image, of
// which one at a time can be worked on, since that takes the image as a whole.
type targetGroups struct {
	all   [][]int     // places in the list, in the order of the first of each
	known map[any]int // groups by the file
}

func (g *targetGroups) add(at int, file any) {
	group, known := g.known[file]
	if !known {
		group = len(g.all)
		g.known[file] = group
		g.all = append(g.all, nil)
	}
	g.all[group] = append(g.all[group], at)
}

// explain says where in the list an error is, unless it says that itself. Column 0
// is the whole line.
func (l *targetList) explain(at, column int, err error) error {
	if l.name == "" || errors.As(err, new(*listError)) {
		return err // else it names the target where it is not about them all
	}
	hint := hintOf(err)
	err = &listError{list: l.name, line: l.targets[at].line, column: column, err: err}
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
