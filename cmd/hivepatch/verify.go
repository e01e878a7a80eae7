package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/hivefile"
	"hivepatch/patch/policy"
)

const verifyDescription = `Compares a hive with what a policy wants of it, and lists each difference with the
line of the policy. Nothing is written. A dirty hive is read as Windows would see
it, with its logs applied. The exit code is 0 when nothing differs, 4 when
something does.

` + policyHelp + `

Examples:
   hivepatch verify policy.yaml SYSTEM
   hivepatch verify policy.yaml /mnt/win
   hivepatch verify policy.yaml --targets list --jobs 4
   hivepatch verify policy.yaml NTUSER.DAT --hive NTUSER.DAT --user alice
   hivepatch verify policy.yaml SYSTEM --json | jq '.hives[].differences'`

// verifyOptions are the options of the command verify.
type verifyOptions struct {
	policyOptions
	report reportOptions
}

func newVerifyCommand(env *environment) *cli.Command {
	batch := verifyBatch()
	return &cli.Command{
		Name:        batch.name,
		Usage:       "tell how a hive differs from what a policy file wants",
		UsageText:   "hivepatch verify POLICY TARGET... [options]",
		Description: verifyDescription,
		Flags:       slices.Concat(batch.flags(), batchFlags()),
		Action:      func(c *cli.Context) error { return batch.run(env, c) },
	}
}

func verifyFlags() []cli.Flag {
	return slices.Concat(policyFlags(), []cli.Flag{
		ignoreLogsFlag("read a dirty hive as it stands"),
	}, reportFlags())
}

func verifyBatch() *batchCommand {
	return policyBatch("verify", verifyFlags, readVerifyOptions, func(work policyWork) *batchWork {
		return newBatchWork(readVerifyOptions,
			func(env *environment, o verifyOptions) ([]targetOptions, error) { return o.hives(env, work.policy) },
			func(env *environment, o verifyOptions) error { return runVerify(env, o, work.policy) })
	})
}

func readVerifyOptions(env *environment, c *cli.Context) (o verifyOptions, err error) {
	if o.policyOptions, err = readPolicyOptions(env, c); err != nil {
		return o, err
	}
	o.report, err = readReportOptions(c)
	return o, err
}

func runVerify(env *environment, o verifyOptions, p *policy.Policy) error {
	r := newReporter(env.stdout, env.stderr, o.report)
	targets, err := o.targets(env, p)
	if err != nil {
		return err
	}
	report := &verifyReport{Policy: o.name(), Hives: []*verifiedHive{}}
	for _, target := range targets {
		verified, err := o.verify(env, r, p, target)
		if err != nil {
			return err
		}
		report.Hives = append(report.Hives, verified)
		report.Differs = report.Differs || len(verified.Differences) > 0
		env.sum("%s", verified.verdict())
	}
	if err := report.tell(r); err != nil {
		return err
	}
	if report.Differs {
		return errFindings
	}
	return nil
}

// verify compares one hive.
func (o verifyOptions) verify(env *environment, r *reporter, p *policy.Policy, target policyTarget) (*verifiedHive, error) {
	file, err := target.lookAs(env, hivefile.LoadOptions{Recovery: hivefile.Recover, NoDigest: true})
	if err != nil {
		return nil, hintAtLogs(err, "--log FILE names a log that lies elsewhere; --ignore-logs compares the hive as it stands")
	}
	tellLoad(r, file)
	section, err := target.choose(o.policyOptions, p, file.Hive)
	if err != nil {
		return nil, err
	}
	plan, err := section.Plan(file.Hive, policy.Options{})
	if err != nil {
		return nil, target.wrap(o.wrap(err))
	}
	verified := &verifiedHive{
		comparedHive: comparedHive{Hive: section.Hive, User: target.user, Target: target.name()},
		Warnings:     append([]string{}, plan.Warnings...),
	}
	if file.Unrecovered != nil {
		verified.Warnings = append(verified.Warnings, fmt.Sprintf("%s is read as it stands, without recovery: %s", target.name(), file.Unrecovered))
	}
	verified.differences(plan)
	return verified, nil
}

// verifyReport is the result of the command, in JSON a contract with scripts.
type verifyReport struct {
	Policy  string          `json:"policy"` // "standard input" for that
	Differs bool            `json:"differs"`
	Hives   []*verifiedHive `json:"hives"`
}

// verifiedHive is how one hive differs.
type verifiedHive struct {
	comparedHive
	Warnings []string `json:"warnings"`
}

func (v *verifyReport) tell(r *reporter) error {
	if r.json {
		if err := r.object(v); err != nil {
			return err
		}
		return r.flush()
	}
	for _, h := range v.Hives {
		r.warnings(h.Warnings)
		for _, d := range h.Differences {
			r.line("%s: %s", h.name(), d.found())
		}
		r.line("%s", h.verdict())
	}
	return r.flush()
}

// verdict says in a few words whether the hive differs.
func (v *verifiedHive) verdict() string {
	if n := len(v.Differences); n > 0 {
		return fmt.Sprintf("%s: %s from the policy", v.name(), plural(n, "difference", "differences"))
	}
	return v.name() + ": OK, it is as the policy wants it"
}
