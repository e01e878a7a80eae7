package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/diskimage"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/locate"
)

// imageOptions say what is to be done with a TARGET that is the image of a disk.
type imageOptions struct {
	partition   int    // number of the one that is meant, 0 for that which has the hive
	journal     string // path, "" for the one beside the image
	anyFolder   bool   // for backing files
	noRollback  bool
	ignoreDirty bool
	force       bool // roll back over what others have written since
	write       bool
	wait        time.Duration
}

// imageFlags are read by readImageOptions.
func imageFlags() []cli.Flag {
	return append([]cli.Flag{
		stringFlag(headingInput, "partition", "take the volume in partition `N` where TARGET is an image with several that have the hive"),
		boolFlag(headingInput, "no-rollback", "refuse an image with a write that was interrupted, instead of rolling that back first"),
	}, imageFileFlags()...)
}

// imageFileFlags are those of every command that opens an image, rollback among
// them.
func imageFileFlags() []cli.Flag {
	return []cli.Flag{
		boolFlag(headingInput, "any-folder", "open the backing files of an image that are not in its folder; an image can name any file"),
		stringFlag(headingInput, "journal", "the journal of an image is `FILE` (default: IMAGE.hivepatch-journal); a block device needs one to be written to"),
	}
}

func readImageOptions(c *cli.Context) (o imageOptions, err error) {
	o = imageOptions{
		journal: c.String("journal"), noRollback: c.Bool("no-rollback"), anyFolder: c.Bool("any-folder"),
		ignoreDirty: c.Bool("ignore-dirty-volume"), write: c.Bool("in-place"),
	}
	if text := c.String("partition"); text != "" {
		o.partition, err = strconv.Atoi(text)
		if err != nil || o.partition < 1 {
			return o, usagef("--partition %q is not the number of a partition", text)
		}
	}
	if findFlag(c.Command.Flags, "wait") == nil {
		o.wait = time.Second // for another hivepatch, that is
		return o, nil
	}
	o.wait, err = readWait(c)
	return o, err
}

// openedImage is an image that is open until the run ends.
type openedImage struct {
	*diskimage.Access
	volumes []*diskimage.Volume
}

// imageVolume is a volume in an image.
type imageVolume struct {
	image *openedImage
	ntfs  *diskimage.NTFS
}

// openImage opens an image. It tells when it has rolled back a write.
func openImage(env *environment, path string, o imageOptions) (*openedImage, error) {
	access, err := o.access(env, path)
	if err != nil {
		return nil, err
	}
	for _, warning := range layerWarnings(access.Layers(), o.write) {
		fmt.Fprintf(env.stderr, "%s: warning: %s\n", programName, printable(warning))
	}
	if access.RolledBack != nil {
		fmt.Fprintf(env.stderr, "%s: warning: %s\n", programName, printable(rolledBackText(path, access.RolledBack)))
	}
	image := &openedImage{Access: access}
	if image.volumes, err = access.Volumes(); err != nil {
		return nil, explainImage(err, path)
	}
	return image, nil
}

// access opens an image and locks it, until the run ends, or the program by a
// signal. What it may have to roll back is not interrupted.
func (o imageOptions) access(env *environment, path string) (access *diskimage.Access, err error) {
	env.uninterrupted(func(ctx context.Context) {
		if env.stopped != nil {
			ctx = env.stopped
		}
		access, err = diskimage.OpenAccess(ctx, path, diskimage.AccessOptions{
			Write: o.write, Journal: o.journal, NoRollback: o.noRollback, Force: o.force, Wait: o.wait, AnyFolder: o.anyFolder,
		})
		if err != nil {
			return
		}
		env.atEnd = append(env.atEnd, access.Close)
		if len(access.Layers()) > 0 {
			env.atDeath = append(env.atDeath, func() { _ = access.Close() }) // nobody is left to tell
		}
	})
	if err != nil && o.write {
		err = explainDenied(err, "-o FILE writes the new hive elsewhere")
	}
	if err != nil {
		return nil, explainImage(interrupted(err), path)
	}
	return access, o.requireJournal(access)
}

// requireJournal returns an error where the journal of an image that is to be
// written to cannot be made: before there is any work that would be in vain.
func (o imageOptions) requireJournal(access *diskimage.Access) error {
	if !o.write || access.Journal == "" {
		return nil
	}
	err := hivefile.RequireFolder(access.Journal)
	if err == nil {
		return nil
	}
	return explainDenied(fmt.Errorf("the journal of %s: %w", access.Path(), err), "--journal FILE names a file for it elsewhere")
}

// layerWarnings say what a write to an image does not change.
func layerWarnings(layers []diskimage.Layer, write bool) (warnings []string) {
	if len(layers) == 0 || !write {
		return nil
	}
	active := layers[0]
	if behind := layers[1:]; len(behind) > 0 {
		var paths []string
		for _, layer := range behind {
			paths = append(paths, layer.Path)
		}
		warnings = append(warnings, fmt.Sprintf("%s is written to; what is behind it stays as it is: %s", active.Path, strings.Join(paths, ", ")))
	}
	if active.Snapshots > 0 {
		warnings = append(warnings, fmt.Sprintf("the snapshots in %s, %d of them, stay as they are", active.Path, active.Snapshots))
	}
	return warnings
}

// rolledBackText says what became of a write that was interrupted.
func rolledBackText(path string, done *diskimage.RolledBack) string {
	what := path + ": a write to it was interrupted"
	if done.Name != "" {
		what = fmt.Sprintf("%s: a write of %s was interrupted", path, done.Name)
	}
	switch done.Outcome {
	case diskimage.OutcomeRolledBack:
		return what + " and has been rolled back"
	case diskimage.OutcomeComplete:
		return what + " after its end: the new hive is complete and stays"
	}
	return what + " before its beginning: nothing was changed"
}

// choose returns the volume that has the hive, or the one that the user names.
func (i *openedImage) choose(which whichHive) (*windowsVolume, error) {
	if which.image.partition > 0 {
		return i.partition(which.image.partition)
	}
	var found []*windowsVolume
	var failed error
	for _, v := range i.volumes {
		volume, err := i.open(v)
		if err == nil {
			err = holds(volume, which.query)
		}
		switch {
		case err == nil:
			found = append(found, volume)
		case len(i.volumes) == 1:
			return nil, explainLocate(err)
		case failed == nil && !isElsewhere(err):
			failed = err
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, i.ambiguous(found)
	case failed != nil:
		return nil, failed
	}
	return nil, i.nothing(which)
}

// holds returns an error where a volume does not have a hive. Which of several
// is meant is for later.
func holds(volume *windowsVolume, query locate.Query) error {
	_, err := volume.Find(query)
	if errors.Is(err, hive.ErrNotHive) || errors.As(err, new(*locate.AmbiguousError)) {
		return nil
	}
	return err
}

// isElsewhere reports whether an error means no more than that the hive is not
// in a volume.
func isElsewhere(err error) bool {
	return errors.As(err, new(*locate.NotFoundError)) || errors.As(err, new(*diskimage.VolumeKindError))
}

// open opens a volume.
func (i *openedImage) open(v *diskimage.Volume) (*windowsVolume, error) {
	ntfs, err := v.OpenNTFS()
	if err != nil {
		return nil, err
	}
	return &windowsVolume{locate.New(ntfs), &imageVolume{i, ntfs}}, nil
}

func (i *openedImage) partition(number int) (*windowsVolume, error) {
	for _, v := range i.volumes {
		if v.Number == number {
			return i.open(v)
		}
	}
	return nil, hinted(fmt.Errorf("%s has no partition %d", i.Path(), number), "%s", i.contents())
}

func (i *openedImage) ambiguous(found []*windowsVolume) error {
	var numbers []string
	for _, v := range found {
		numbers = append(numbers, strconv.Itoa(v.inImage.ntfs.Volume().Number))
	}
	refused := &edit.RefusedError{Reason: fmt.Sprintf("%s: the partitions %s all have such a hive", i.Path(), strings.Join(numbers, " and "))}
	return hinted(refused, "--partition N takes one of them; %s locate %s tells about each", programName, i.Path())
}

// nothing is the error for an image in which the hive is not found. Where it may
// be in a volume that cannot be read, this is a refusal.
func (i *openedImage) nothing(which whichHive) error {
	kind := which.query.Kind
	if kind == "" {
		kind = locate.System
	}
	err := fmt.Errorf("%s: no volume that can be read has a hive %s", i.Path(), kind)
	for _, v := range i.volumes {
		switch v.Kind {
		case diskimage.BitLocker, diskimage.ReFS, diskimage.StorageSpaces, diskimage.DynamicDisk:
			return hinted(&edit.RefusedError{Reason: err.Error()}, "%s", i.contents())
		}
	}
	return hinted(err, "%s", i.contents())
}

// contents says what is in the partitions.
func (i *openedImage) contents() string {
	if len(i.volumes) == 0 {
		return "its partition table is empty"
	}
	if only := i.volumes[0]; only.Number == 0 {
		return fmt.Sprintf("it has no partitions, and is %s as a whole: leave --partition out", only.Kind)
	}
	var texts []string
	for _, v := range i.volumes {
		texts = append(texts, fmt.Sprintf("partition %d holds %s", v.Number, v.Kind))
	}
	return strings.Join(texts, ", ")
}
