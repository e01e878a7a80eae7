package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/hivefile"
	"hivepatch/hive/locate"
	"hivepatch/patch/policy"
)

// policyOptions say which policy is meant and for which hives.
type policyOptions struct {
	path   string // "-" for standard input
	target targetOptions
	which  whichHive // of a folder; what a file is
	force  bool
}

// policyFlags are the flags that readPolicyOptions reads.
func policyFlags() []cli.Flag {
	return append(imageFlags(),
		stringFlag(headingInput, "hive", "take TARGET for the hive `NAME`, or of a folder or an image that hive alone: SYSTEM, SOFTWARE, SAM, SECURITY, DEFAULT, COMPONENTS, BCD, NTUSER or USRCLASS"),
		stringFlag(headingInput, "user", "take TARGET for the hive of the user `NAME`, or of a folder or an image the hives of that user alone"),
		logFlag(),
	)
}

// policyHelp is for the help of both commands.
const policyHelp = `POLICY is a YAML file, or - for standard input. For each hive it lists keys and
values that are to be there and that are not, and for SYSTEM the sizes of the
desktop heaps:

   version: 1
   hives:
     SYSTEM:
       control_set: active    # what CurrentControlSet stands for
       desktop_heap: {noninteractive: 4096}
       values:
         - {key: CurrentControlSet\Services\Disk, name: Start, type: dword, data: 0}
     SOFTWARE:
       absent_keys: [Vendor\Leftover]
       absent_values: [{key: Vendor\App, name: Path}]
   users:
     "*":                     # every user that is not named
       NTUSER.DAT: {keys: [Software\Vendor\App]}

Unknown fields, wrong types and wishes that exclude each other are errors with
line and column. hivepatch apply --schema prints the JSON Schema, which tells all
fields.

TARGET is a hive file, or the folder of a Windows: its root or its Windows folder,
in which each hive is taken that the policy names. Of files, a SYSTEM hive is
recognised by its Select key; --hive says which hive any other is.`

func readPolicyOptions(env *environment, c *cli.Context) (o policyOptions, err error) {
	arguments := c.Args().Slice()
	switch {
	case len(arguments) == 0:
		return o, hinted(usagef("no POLICY given"), "%s", c.Command.UsageText)
	case len(arguments) == 1:
		return o, hinted(usagef("no TARGET given"), "%s, where TARGET is a hive file, the folder of a Windows, a disk image, or - for standard input", c.Command.UsageText)
	case len(arguments) > 2:
		return o, hinted(usagef("one POLICY and one TARGET, not %d arguments: %q", len(arguments), arguments), "%s", c.Command.UsageText)
	}
	o.path, o.force = arguments[0], c.Bool("force")
	o.target = targetOptions{path: arguments[1], logs: c.StringSlice("log"), ignoreLogs: c.Bool("ignore-logs")}
	o.which = whichHive{query: locate.Query{User: c.String("user")}, ignoreHibernation: c.Bool("ignore-hibernation")}
	if o.which.image, err = readImageOptions(c); err != nil {
		return o, err
	}
	o.target.volume = volumeOptions{which: o.which, quiet: c.Bool("quiet")}
	if name := c.String("hive"); name != "" {
		known := false
		if o.which.query.Kind, known = locate.ParseKind(name); !known {
			return o, usagef("--hive %q is none of %s", name, strings.Join(hiveNames(), ", "))
		}
	}
	if o.target.volume.volume, err = openVolume(env, o.target.path, o.which); err != nil {
		return o, err
	}
	return o, o.check()
}

func (o policyOptions) check() error {
	kind, user := o.which.query.Kind, o.which.query.User
	switch folder := o.target.volume.volume != nil; {
	case o.path == "":
		return usagef("POLICY is empty")
	case o.target.path == "":
		return usagef("TARGET is empty")
	case len(o.target.logs) > 0 && o.target.ignoreLogs:
		return usagef("--log and --ignore-logs exclude each other")
	case o.path == standardStream && o.target.path == standardStream:
		return usagef("POLICY and TARGET cannot both be standard input")
	case user != "" && kind != "" && !kind.OfUser():
		return usagef("--hive %s and --user exclude each other: users have NTUSER and USRCLASS", kind)
	case user != "" && kind == "" && !folder:
		return hinted(usagef("--user goes with a hive that each user has"), "--hive NTUSER or --hive USRCLASS says which TARGET is")
	case len(o.target.logs) > 0 && folder:
		return hinted(usagef("--log goes with one hive, and TARGET has several"), "the logs beside the hives are taken")
	}
	return nil
}

// policyWork is a policy and the file that it was read from.
type policyWork struct {
	policy *policy.Policy
	source *hivefile.Source
}

// allowMemory allows more than limitMemory has: what the policy says is kept until
// it has been read back.
func (w policyWork) allowMemory(env *environment, file *hivefile.File) {
	const more = 48 << 20
	env.allowMemory(2*file.Size + 32*int64(cap(w.source.Data)) + more)
}

// policyBatch makes the batch of a command whose first argument is a policy, which
// is read once. read reads the command's options.
func policyBatch[options any](name string, flags func() []cli.Flag, read func(*environment, *cli.Context) (options, error), work func(policyWork) *batchWork) *batchCommand {
	return &batchCommand{
		name: name, flags: flags, leading: []string{"POLICY"},
		begin: func(env *environment, c *cli.Context) (*batchWork, error) {
			if !isBatch(c, 1) { // what is wrong with the options is told first
				trial := env.beside(env.stdout, env.stderr)
				_, err := read(trial, c)
				if endErr := trial.end(); err == nil { // an image can be open once only
					err = endErr
				}
				if err != nil {
					return nil, err
				}
			}
			read, err := readPolicy(env, c)
			if err != nil {
				return nil, err
			}
			return work(read), nil
		},
	}
}

// readPolicy reads the policy that is the first argument.
func readPolicy(env *environment, c *cli.Context) (work policyWork, err error) {
	o := policyOptions{path: c.Args().First()}
	work.policy, work.source, err = o.read(env)
	return work, err
}

// read reads the policy, never more than one may have. The file that it was read
// from must not become the output.
func (o policyOptions) read(env *environment) (*policy.Policy, *hivefile.Source, error) {
	source, err := o.readSource(env)
	if err != nil {
		return nil, nil, fmt.Errorf("policy: %w", err)
	}
	env.allowMemory(policyMemory)
	read, err := policy.Parse(source.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", o.name(), err)
	}
	return read, source, nil
}

// policyMemory is how much memory reading a policy may fill before garbage is
// collected, in spite of the high percentage that main sets.
const policyMemory = 64 << 20

// readSource reads no more than Parse needs to see that it is too much.
func (o policyOptions) readSource(env *environment) (*hivefile.Source, error) {
	if o.path == standardStream {
		return hivefile.ReadStream(&io.LimitedReader{R: env.stdin, N: policy.MaxSize + 1})
	}
	if info, err := os.Stat(o.path); err == nil && info.Size() > policy.MaxSize {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", o.path, info.Size(), policy.MaxSize)
	}
	return hivefile.ReadFile(o.path)
}

// name is what messages call the policy.
func (o policyOptions) name() string {
	if o.path == standardStream {
		return "standard input"
	}
	return o.path
}

// wrap says which policy an error of one of its wishes is about.
func (o policyOptions) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", o.name(), err)
}
