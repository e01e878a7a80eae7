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
   hivepatch verify policy.yaml NTUSER.DAT --hive NTUSER.DAT --user alice
   hivepatch verify policy.yaml SYSTEM --json | jq '.hives[].differences'`

// verifyOptions are the options of the command verify.
type verifyOptions struct {
	policyOptions
	report reportOptions
}

func newVerifyCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "verify",
		Usage:       "tell how a hive differs from what a policy file wants",
		UsageText:   "hivepatch verify POLICY TARGET [options]",
		Description: verifyDescription,
		Flags: slices.Concat(policyFlags(), []cli.Flag{
			ignoreLogsFlag("read a dirty hive as it stands"),
		}, reportFlags()),
		Action: func(c *cli.Context) error {
			var o verifyOptions
			var err error
			if o.policyOptions, err = readPolicyOptions(env, c); err != nil {
				return err
			}
			if o.report, err = readReportOptions(c); err != nil {
				return err
			}
			return runVerify(env, o)
		},
	}
}

func runVerify(env *environment, o verifyOptions) error {
	p, _, err := o.read(env)
	if err != nil {
		return err
	}
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
	file, err := target.loadAs(hivefile.LoadOptions{Recovery: hivefile.Recover, NoDigest: true})
	target.warnOfHibernation(env, file)
	target.warnOfWinPE(env, file)
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
		if n := len(h.Differences); n > 0 {
			r.line("%s: %s from the policy", h.name(), plural(n, "difference", "differences"))
		} else {
			r.line("%s: OK, it is as the policy wants it", h.name())
		}
	}
	return r.flush()
}
