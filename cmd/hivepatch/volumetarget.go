package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/diskimage"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/locate"
)

// whichHive says which hive of a folder or an image is meant.
type whichHive struct {
	query             locate.Query
	image             imageOptions
	ignoreHibernation bool
}

// volumeOptions are what is known of the Windows that the hive lies in.
type volumeOptions struct {
	which     whichHive
	quiet     bool              // no warnings
	volume    *windowsVolume    // that TARGET is; nil for a hive file or a stream
	candidate *locate.Candidate // the hive in it
}

// windowsVolume is a TARGET in which hives are looked for: a folder, or a volume
// in the image of a disk. It is open until the run ends.
type windowsVolume struct {
	*locate.Volume
	inImage *imageVolume // nil for a folder
}

// openVolume opens TARGET. It returns nil where that is no volume but a hive.
func openVolume(env *environment, path string, which whichHive) (*windowsVolume, error) {
	switch {
	case path == standardStream:
		return nil, nil
	case isFolder(path):
		return openFolder(env, path)
	}
	isImage, err := diskimage.Recognize(path)
	if err != nil || !isImage {
		return nil, nil // whoever reads the hive says what is wrong with it
	}
	image, err := openImage(env, path, which.image)
	if err != nil {
		return nil, err
	}
	return image.choose(which)
}

func openFolder(env *environment, path string) (*windowsVolume, error) {
	volume, err := locate.Open(path)
	if err != nil {
		return nil, err
	}
	env.atEnd = append(env.atEnd, func() error {
		_ = volume.Close() // only read
		return nil
	})
	return &windowsVolume{Volume: volume}, nil
}

// place is where a hive in the volume lies.
func (v *windowsVolume) place(c *locate.Candidate) hivefile.Place {
	if v.inImage != nil {
		return v.inImage.image.Place(v.inImage.ntfs, c.Path)
	}
	return hivefile.TreePlace(v.Tree(), c.Path)
}

// readOnly reports whether nothing can be written in the volume.
func (v *windowsVolume) readOnly() (bool, error) {
	if v.inImage != nil {
		return locate.ReadOnly(v.inImage.image.Path())
	}
	return locate.ReadOnly(v.Path)
}

// words are the arguments that name the volume's hive SYSTEM, of a volume in an
// image, on a command line.
func (v *imageVolume) words() []string {
	words := []string{v.image.Path()}
	if number := v.ntfs.Volume().Number; number > 0 && len(v.image.volumes) > 1 {
		words = append(words, "--partition", strconv.Itoa(number))
	}
	return words
}

// volumeFlags choose a hive where TARGET is a folder or an image. They are read
// by readTarget.
func volumeFlags() []cli.Flag {
	return append([]cli.Flag{
		stringFlag(headingInput, "hive", "take the hive `NAME` where TARGET is a folder or an image: SYSTEM, SOFTWARE, SAM, SECURITY, DEFAULT, COMPONENTS, BCD, or with --user NTUSER or USRCLASS (default: SYSTEM)"),
		stringFlag(headingInput, "user", "take the hive NTUSER.DAT of the user `NAME` where TARGET is a folder or an image"),
	}, imageFlags()...)
}

// writingVolumeFlags are volumeFlags for a command that writes a hive.
func writingVolumeFlags() []cli.Flag { return append(volumeFlags(), ignoreFlags()...) }

// ignoreFlags are the flags that override what keeps a command from writing a
// hive that a Windows may still have in memory.
func ignoreFlags() []cli.Flag {
	return []cli.Flag{
		boolFlag(headingInput, "ignore-hibernation", "go on with a hive of a hibernated Windows, which will undo the change when it starts"),
		boolFlag(headingInput, "ignore-dirty-volume", "go on with a hive in an image whose volume was not cleanly shut down, and which the next start may change"),
	}
}

func readWhichHive(c *cli.Context) (whichHive, error) {
	w := whichHive{query: locate.Query{User: c.String("user")}, ignoreHibernation: c.Bool("ignore-hibernation")}
	var err error
	if w.image, err = readImageOptions(c); err != nil {
		return w, err
	}
	if name := c.String("hive"); name != "" {
		kind, ok := locate.ParseKind(name)
		if !ok {
			return w, usagef("--hive %q is none of %s", name, strings.Join(hiveNames(), ", "))
		}
		w.query.Kind = kind
	}
	switch kind := w.query.Kind; {
	case kind.OfUser() && w.query.User == "":
		return w, usagef("--hive %s needs --user NAME: every user has one", kind)
	case kind != "" && !kind.OfUser() && w.query.User != "":
		return w, usagef("--hive %s and --user exclude each other: users have NTUSER and USRCLASS", kind)
	}
	return w, nil
}

// isGiven reports whether any of the flags is there that make sense for a folder
// only.
func (w whichHive) isGiven() bool { return w.query != locate.Query{} }

// hiveNames are the names that --hive takes.
func hiveNames() []string {
	var names []string
	for _, kind := range locate.Kinds() {
		short, _, _ := strings.Cut(string(kind), ".")
		names = append(names, strings.ToUpper(short))
	}
	return names
}

// isFolder reports whether TARGET is a folder, in which the hive is looked for.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// find finds the hive in a volume, which may turn out to be none.
func (w whichHive) find(volume *locate.Volume) (*locate.Candidate, error) {
	candidate, err := volume.Find(w.query)
	if candidate == nil || err != nil && !errors.Is(err, hive.ErrNotHive) {
		return nil, explainLocate(err)
	}
	return candidate, nil
}

// openTargets finds the hive that is meant by each target.
func openTargets(env *environment, c *cli.Context, targets ...*targetOptions) (err error) {
	which, err := readWhichHive(c)
	if err != nil {
		return err
	}
	for _, o := range targets {
		o.volume = volumeOptions{which: which, quiet: c.Bool("quiet")}
		if o.volume.volume, err = openVolume(env, o.path, which); err != nil {
			return err
		}
	}
	if which.isGiven() && !slices.ContainsFunc(targets, func(o *targetOptions) bool { return o.volume.volume != nil }) {
		return usagef("--hive and --user choose a hive in a folder or an image, and %s is none", displayName(targets[0].path))
	}
	if which.image.partition > 0 && !slices.ContainsFunc(targets, func(o *targetOptions) bool { return o.isInImage() }) {
		return usagef("--partition chooses a volume in an image, and %s is none", displayName(targets[0].path))
	}
	for _, o := range targets {
		if err := o.open(env); err != nil {
			return err
		}
	}
	return nil
}

// open finds out where the hive lies.
func (o *targetOptions) open(env *environment) error {
	switch v := &o.volume; {
	case v.volume != nil:
		candidate, err := v.which.find(v.volume.Volume)
		if err != nil {
			return err
		}
		v.candidate = candidate
		o.hive = v.volume.place(candidate)
	case o.path == standardStream:
		o.hive = streamedHive{hivefile.StreamPlace(displayName(o.path), env.stdin)}
	default:
		o.hive = hivefile.FilePlace(o.path)
	}
	hive := o.hive
	env.atEnd = append(env.atEnd, func() error {
		_ = hive.Close() // what was written is safe
		return nil
	})
	return nil
}

// streamedHive is a hive that is read from standard input.
type streamedHive struct{ hivefile.Place }

func (s streamedHive) Load(options hivefile.LoadOptions) (*hivefile.File, error) {
	file, err := s.Place.Load(options)
	return file, explainStream(err)
}

func (s streamedHive) Read() (*hivefile.Source, error) {
	source, err := s.Place.Read()
	return source, explainStream(err)
}

// explainStream says what is read from standard input, and that images are not.
func explainStream(err error) error {
	if !errors.Is(err, hive.ErrNotHive) {
		return err
	}
	return hinted(err, "from standard input a hive is read; the image of a disk needs its path as TARGET")
}

// displayName is what messages call a path that may stand for standard input.
func displayName(path string) string {
	if path == standardStream {
		return "standard input"
	}
	return path
}

// checkHibernation returns an error where the Windows that the hive lies in is
// hibernated.
func (o targetOptions) checkHibernation() error {
	switch {
	case o.path == standardStream:
		return nil
	case o.volume.volume != nil:
		return o.volume.volume.CheckHibernation()
	}
	return locate.CheckHibernationOf(o.path)
}

// isInImage reports whether the hive lies in the image of a disk.
func (o targetOptions) isInImage() bool {
	return o.volume.volume != nil && o.volume.volume.inImage != nil
}

// checkClean returns an error where the hive lies in a volume, of an image, that
// Windows has not finished with. A volume that is mounted is the business of the
// driver.
func (o targetOptions) checkClean() error {
	if !o.isInImage() {
		return nil
	}
	return o.volume.volume.inImage.ntfs.CheckClean()
}

// refuseUnfinished is for commands that write a hive: it returns an error where
// the Windows may write to the hive once more when it starts.
func (o targetOptions) refuseUnfinished() error {
	if !o.volume.which.ignoreHibernation {
		if err := o.checkHibernation(); err != nil {
			return explainLocate(err)
		}
	}
	if !o.volume.which.image.ignoreDirty {
		return explainDirtyVolume(o.checkClean())
	}
	return nil
}

// warnOfUnfinished is for commands that only look.
func (o targetOptions) warnOfUnfinished(env *environment, file *hivefile.File) {
	if file == nil {
		return
	}
	for _, check := range []func() error{o.checkHibernation, o.checkClean} {
		if err := check(); err != nil {
			o.warn(env, "%s", err)
		}
	}
}

// warnOfWinPE tells of a hive that lies in a Windows PE, not in the Windows that
// somebody wants to mend with it.
func (o targetOptions) warnOfWinPE(env *environment, file *hivefile.File) {
	if file == nil || file.Path == "" || o.volume.volume == nil && !locate.LiesInWindows(o.path) {
		return
	}
	facts := &locate.Facts{}
	if facts.AddSystem(file.Hive); facts.WinPE != "" {
		o.warn(env, "%s", winPEWarning(o.name(), facts.WinPE))
	}
}

func (o targetOptions) warn(env *environment, format string, args ...any) {
	if !o.volume.quiet {
		fmt.Fprintf(env.stderr, "%s: warning: %s\n", programName, printable(fmt.Sprintf(format, args...)))
	}
}

// explainLocate says what to do about an error of looking for a hive. To guess
// would be unsafe, and so would be what a link leads to that leaves the volume.
func explainLocate(err error) error {
	if err == nil {
		return nil
	}
	refused := &edit.RefusedError{Reason: err.Error()}
	if hibernated, ok := errors.AsType[*locate.HibernationError](err); ok {
		return hinted(refused, "%s; --ignore-hibernation goes on all the same", hibernated.Hint())
	}
	if _, ok := errors.AsType[*locate.AmbiguousError](err); ok {
		return hinted(refused, "give the path of the one that is meant as TARGET")
	}
	if missing, ok := errors.AsType[*locate.NotFoundError](err); ok {
		return hinted(err, "%s", hintMissing(missing))
	}
	if errors.Is(err, locate.ErrOutside) || errors.Is(err, locate.ErrLinkLoop) {
		return hinted(refused, "a volume that nobody vouches for is not left; give the path of the hive itself if it can be trusted")
	}
	if errors.Is(err, hivefile.ErrNotRegular) {
		return refused
	}
	return err
}

// mostHinted are the hives, or users, that a hint names.
const mostHinted = 8

// hintMissing names what there is instead of the hive that was looked for.
func hintMissing(missing *locate.NotFoundError) string {
	if kind := cmp.Or(missing.Query.Kind, locate.System); missing.Query.User == "" {
		if lost := missing.Volume.Lost(kind); lost != "" {
			return hintLost(lost)
		}
	}
	if missing.Query.User != "" && missing.Volume.Layout != locate.VolumeRoot {
		return "the users' folders lie in the root of the volume: give that as TARGET"
	}
	if len(missing.Found) == 0 {
		return "TARGET is the root of a Windows volume, its Windows folder, or a hive file"
	}
	var there []string
	for _, c := range missing.Found {
		word := c.User
		if missing.Query.User == "" {
			word = fmt.Sprintf("%s (%s)", missing.Volume.FullPath(c.Path), originText(c.Origin))
		}
		if word != "" && !slices.Contains(there, word) {
			there = append(there, word)
		}
	}
	what := "there is "
	if missing.Query.User != "" {
		what = "the users are "
	}
	if len(there) == 0 {
		return "there are no users' hives in it"
	}
	if more := len(there) - mostHinted; more > 0 {
		there = append(there[:mostHinted], fmt.Sprintf("and %d more, listed by %s locate", more, programName))
	}
	return what + strings.Join(there, ", ")
}

// hintLost says how a hive comes back that is not there, while its backup is.
func hintLost(path string) string {
	return fmt.Sprintf("there is a backup of it: %s puts it back", commandLine([]string{programName, "restore", path}))
}

// originText is what a hive is there for, in words.
func originText(origin locate.Origin) string {
	switch origin {
	case locate.InUse:
		return "in use"
	case locate.WindowsOld:
		return "left by an upgrade"
	case locate.RegBack:
		return "copy made by Windows"
	case locate.Repair:
		return "copy for repairs"
	case locate.RestorePoint:
		return "copy of a restore point"
	}
	return string(origin)
}
