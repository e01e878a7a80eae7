package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/locate"
)

// whichHive says which hive of a folder is meant.
type whichHive struct {
	query             locate.Query
	ignoreHibernation bool
}

// volumeOptions are what is known of a TARGET that is a folder, or a hive in a
// Windows.
type volumeOptions struct {
	which        whichHive
	quiet        bool   // no warnings
	folder       string // that TARGET is, "" where it is none
	inside       string // path of the hive in the folder, over no link
	installation string // path of its Windows folder in that folder
	hibernation  error  // of the Windows in the folder
}

// volumeFlags choose a hive where TARGET is a folder. They are read by
// readTarget.
func volumeFlags() []cli.Flag { return []cli.Flag{hiveFlag(), userFlag()} }

// writingVolumeFlags are volumeFlags for a command that writes a hive.
func writingVolumeFlags() []cli.Flag { return append(volumeFlags(), ignoreHibernationFlag()) }

func hiveFlag() cli.Flag {
	return stringFlag(headingInput, "hive", "take the hive `NAME` where TARGET is a folder: SYSTEM, SOFTWARE, SAM, SECURITY, DEFAULT, COMPONENTS, BCD, or with --user NTUSER or USRCLASS (default: SYSTEM)")
}

func userFlag() cli.Flag {
	return stringFlag(headingInput, "user", "take the hive NTUSER.DAT of the user `NAME` where TARGET is a folder")
}

func ignoreHibernationFlag() cli.Flag {
	return boolFlag(headingInput, "ignore-hibernation", "go on with a hive of a hibernated Windows, which will undo the change when it starts")
}

func readWhichHive(c *cli.Context) (whichHive, error) {
	w := whichHive{query: locate.Query{User: c.String("user")}, ignoreHibernation: c.Bool("ignore-hibernation")}
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

// find opens the folder and finds the hive in it, which may turn out to be none.
// The caller closes the volume.
func (w whichHive) find(folder string) (*locate.Volume, *locate.Candidate, error) {
	volume, err := locate.Open(folder)
	if err != nil {
		return nil, nil, err
	}
	candidate, err := volume.Find(w.query)
	if candidate == nil || err != nil && !errors.Is(err, hive.ErrNotHive) {
		_ = volume.Close() // it was only read
		return nil, nil, explainLocate(err)
	}
	return volume, candidate, nil
}

// findInFolders finds the hive that is meant by each target that is a folder.
func findInFolders(c *cli.Context, targets ...*targetOptions) error {
	which, err := readWhichHive(c)
	if err != nil {
		return err
	}
	if which.isGiven() && !slices.ContainsFunc(targets, func(o *targetOptions) bool { return isFolder(o.path) }) {
		return usagef("--hive and --user choose a hive in a folder, and %s is none", targets[0].name())
	}
	for _, o := range targets {
		o.volume = volumeOptions{which: which, quiet: c.Bool("quiet")}
		if err := o.findInFolder(); err != nil {
			return err
		}
	}
	return nil
}

// findInFolder finds the hive where TARGET is a folder.
func (o *targetOptions) findInFolder() error {
	if o.path == standardStream || !isFolder(o.path) {
		return nil
	}
	v := &o.volume
	volume, candidate, err := v.which.find(o.path)
	if err != nil {
		return err
	}
	defer volume.Close() // only read
	v.folder, v.inside, v.installation = o.path, candidate.Path, candidate.Installation
	v.hibernation = volume.CheckHibernation()
	o.path = volume.FullPath(candidate.Path)
	return nil
}

// loadFile reads the hive file. One in a folder is reached without leaving that,
// whatever has become of it meanwhile.
func (o targetOptions) loadFile(options hivefile.LoadOptions) (*hivefile.File, error) {
	if o.volume.folder == "" {
		return hivefile.Load(o.path, options)
	}
	root, err := os.OpenRoot(o.volume.folder)
	if err != nil {
		return nil, err
	}
	defer root.Close() // only read
	return hivefile.LoadIn(hivefile.FolderTree(root), o.volume.inside, options)
}

// readFile reads the bytes of the hive file, on the way that loadFile takes.
func (o targetOptions) readFile() (*hivefile.Source, error) {
	if o.volume.folder == "" {
		return hivefile.ReadFile(o.path)
	}
	root, err := os.OpenRoot(o.volume.folder)
	if err != nil {
		return nil, err
	}
	defer root.Close() // only read
	return hivefile.ReadFileIn(hivefile.FolderTree(root), o.volume.inside)
}

// checkHibernation returns an error where the Windows that the hive lies in is
// hibernated.
func (o targetOptions) checkHibernation() error {
	switch {
	case o.path == standardStream:
		return nil
	case o.volume.folder != "":
		return o.volume.hibernation
	}
	return locate.CheckHibernationOf(o.path)
}

// refuseHibernated is for commands that write a hive.
func (o targetOptions) refuseHibernated() error {
	if o.volume.which.ignoreHibernation {
		return nil
	}
	return explainLocate(o.checkHibernation())
}

// warnOfHibernation is for commands that only look.
func (o targetOptions) warnOfHibernation(env *environment, file *hivefile.File) {
	if file == nil {
		return
	}
	if err := o.checkHibernation(); err != nil {
		o.warn(env, "%s", err)
	}
}

// warnOfWinPE tells of a hive that lies in a Windows PE, not in the Windows that
// somebody wants to mend with it.
func (o targetOptions) warnOfWinPE(env *environment, file *hivefile.File) {
	if file == nil || file.Path == "" || o.volume.folder == "" && !locate.LiesInWindows(o.path) {
		return
	}
	facts := &locate.Facts{}
	if facts.AddSystem(file.Hive); facts.WinPE != "" {
		o.warn(env, "%s", winPEWarning(o.path, facts.WinPE))
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
