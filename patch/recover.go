package patch

import (
	"time"

	"hivepatch/hive/check"
	"hivepatch/hive/hivefile"
)

// RecoverRequest says how a hive is to be finished after its recovery.
type RecoverRequest struct {
	AllowDamage bool      // go on with a hive that breaks rules of level F
	Time        time.Time // for the last write time of the hive
}

// Recover makes a clean hive, in memory, of one that was loaded with
// hivefile.Recover: it checks it, gives it sequence numbers above those of all
// logs, checks it again and lets the second reader open it. A hive that was
// clean stays as it is. The hive is to be saved when Recover returns no error,
// and to be dropped otherwise.
//
// It returns a DamageError where the recovered hive breaks rules of level F and
// the request does not allow that, and a RefusedError where the second reader
// disagrees.
func Recover(file *hivefile.File, request RecoverRequest) (*Outcome, error) {
	j := &job{file: file, hive: file.Hive, request: Request{AllowDamage: request.AllowDamage, Time: request.Time}}
	if err := j.run(j.checkBefore, j.sealRecovered, j.confirm); err != nil {
		return nil, err
	}
	outcome := j.outcome()
	return &outcome, nil
}

// sealRecovered does not ask where damage lies, unlike seal: nothing is edited,
// and what the logs hold goes in as Windows would put it.
func (j *job) sealRecovered() error {
	j.hive.Seal(j.request.Time)
	if !j.hive.Modified() {
		j.verifiedBy = append(j.verifiedBy, "check")
		return nil
	}
	after := newFindings()
	check.Bytes(j.hive.Bytes(), after.add)
	return j.notWorse(after)
}

// confirm lets the second reader open the bytes that will be saved.
func (j *job) confirm() error {
	written, err := j.reopen()
	if err != nil {
		return err
	}
	if j.before.grave() > 0 {
		j.warn("no second opinion: the other reader cannot be trusted with a damaged hive")
		return nil
	}
	if _, minor := written.Version(); minor <= 1 {
		j.warn("no second opinion: the other reader does not know the cells of version 1.%d", minor)
		return nil
	}
	if err := secondOpinion(written, nil); err != nil {
		return err
	}
	j.verifiedBy = append(j.verifiedBy, "regparser")
	return nil
}
