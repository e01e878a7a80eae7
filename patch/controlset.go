package patch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hivepatch/hive"
)

// Where the value lies in a control set, and what names the set.
const (
	selectName     = "Select"
	subSystemsPath = `Control\Session Manager\SubSystems`
	valueName      = "Windows"
)

// Roles of a control set, as the Select key gives them.
const (
	RoleCurrent       = "current"
	RoleDefault       = "default"
	RoleLastKnownGood = "lastknowngood"
	RoleFailed        = "failed"
)

// Selections of control sets, besides a number.
const (
	SelectActive        = "active" // Current and, where it differs, Default
	SelectCurrent       = "current"
	SelectDefault       = "default"
	SelectLastKnownGood = "lastknowngood"
	SelectAll           = "all" // Default, Current and LastKnownGood, where they exist
)

// overrideControlSet is the hint where Select does not say which set to take.
const overrideControlSet = "--control-set NUMBER"

// ControlSet is a key ControlSetNNN of a SYSTEM hive.
type ControlSet struct {
	Number uint32
	Key    *hive.Key
	Roles  []string // what Select uses it for
}

// Name is the name of the set's key.
func (s ControlSet) Name() string { return s.Key.Name() }

// ControlSets is what a SYSTEM hive says about its control sets.
type ControlSets struct {
	Sets      []ControlSet // in the order in which the hive has them
	Select    *hive.Select // nil where SelectErr is not
	SelectErr error        // why the Select key could not be read
	Warnings  []string
}

// ReadControlSets lists the control sets of a hive. What is wrong with the
// Select key is part of the result: a user can still name a set by its number.
func ReadControlSets(h *hive.Hive) (*ControlSets, error) {
	root, err := h.Root()
	if err != nil {
		return nil, err
	}
	sets := &ControlSets{}
	seen := map[uint32]bool{} // a list may name a key many times; the first counts
	sets.Select, sets.SelectErr = h.Select()
	for key, err := range root.Subkeys() {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(key.Name(), "CurrentControlSet") {
			sets.warn("the hive has a real key named CurrentControlSet, which Windows never stores: somebody wrote to it by mistake; it is without effect and left alone")
		}
		if number, ok := controlSetNumber(key.Name()); ok && !seen[number] {
			seen[number] = true
			sets.Sets = append(sets.Sets, ControlSet{Number: number, Key: key, Roles: sets.roles(number)})
		}
	}
	return sets, nil
}

func (c *ControlSets) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// controlSetNumber reads the number in ControlSetNNN, as the loader prints it:
// three digits at least, and no zero in front of more.
func controlSetNumber(name string) (uint32, bool) {
	const prefix = "ControlSet"
	if len(name) < len(prefix)+3 || !strings.EqualFold(name[:len(prefix)], prefix) {
		return 0, false
	}
	number, err := strconv.ParseUint(name[len(prefix):], 10, 32)
	if err != nil || !strings.EqualFold(name, hive.ControlSetName(uint32(number))) {
		return 0, false
	}
	return uint32(number), true
}

func (c *ControlSets) roles(number uint32) []string {
	if c.Select == nil || number == 0 {
		return nil
	}
	var roles []string
	for _, use := range []struct {
		role   string
		number hive.Number
	}{
		{RoleCurrent, c.Select.Current},
		{RoleDefault, c.Select.Default},
		{RoleLastKnownGood, c.Select.LastKnownGood},
		{RoleFailed, c.Select.Failed},
	} {
		if use.number.Err == nil && use.number.Value == number {
			roles = append(roles, use.role)
		}
	}
	return roles
}

func (c *ControlSets) byNumber(number uint32) (ControlSet, bool) {
	i := slices.IndexFunc(c.Sets, func(s ControlSet) bool { return s.Number == number })
	if i < 0 {
		return ControlSet{}, false
	}
	return c.Sets[i], true
}

// CheckSelection returns a [UsageError] for a selection that [ControlSets.Choose]
// would not understand in any hive.
func CheckSelection(selection string) error {
	switch selection {
	case "", SelectActive, SelectCurrent, SelectDefault, SelectLastKnownGood, SelectAll:
		return nil
	}
	if _, ok := parseNumber(selection); ok {
		return nil
	}
	return &UsageError{fmt.Sprintf("unknown control set %q: want active, current, default, lastknowngood, all or a number", selection)}
}

// Choose returns the control sets that a selection names: one of the Select
// constants or a number, "" for SelectActive. It returns a UsageError for a
// selection that is none, hive.ErrNotFound for a number without a set, and a
// RefusedError where the Select key does not lead to a set.
func (c *ControlSets) Choose(selection string) ([]ControlSet, error) {
	if err := CheckSelection(selection); err != nil {
		return nil, err
	}
	if number, ok := parseNumber(selection); ok {
		set, ok := c.byNumber(number)
		if !ok {
			return nil, fmt.Errorf("%s: %w%s", hive.ControlSetName(number), hive.ErrNotFound, c.present())
		}
		return []ControlSet{set}, nil
	}
	if selection == "" {
		selection = SelectActive
	}
	choose := map[string]func() ([]ControlSet, error){
		SelectActive:        c.active,
		SelectCurrent:       func() ([]ControlSet, error) { return c.named("Current") },
		SelectDefault:       func() ([]ControlSet, error) { return c.named("Default") },
		SelectLastKnownGood: func() ([]ControlSet, error) { return c.named("LastKnownGood") },
		SelectAll:           c.all,
	}[selection]
	if c.SelectErr != nil {
		return nil, c.refuse("which control set is in use is not known: %s", c.SelectErr)
	}
	return choose()
}

// parseNumber reads a selection that is the number of a set.
func parseNumber(selection string) (uint32, bool) {
	number, err := strconv.ParseUint(selection, 10, 32)
	return uint32(number), err == nil
}

// active chooses the set that Windows last ran with and, where it is another
// one, the set that the loader takes next.
func (c *ControlSets) active() ([]ControlSet, error) {
	current, err := c.named("Current")
	if err != nil && !errors.Is(err, errNoSet) {
		return nil, err
	}
	next, err := c.named("Default")
	if err != nil && !errors.Is(err, errNoSet) {
		return nil, err
	}
	sets := distinct(current, next)
	switch {
	case len(sets) == 0:
		return nil, c.refuse("Select names no control set: Current and Default are 0")
	case len(sets) == 2:
		c.warn("Select\\Current is %d, but Windows starts with Select\\Default, %d: both are taken", sets[0].Number, sets[1].Number)
	case len(current) == 0:
		c.warn("Select\\Current is 0, which names no control set: only the one that Select\\Default names is taken")
	case len(next) == 0:
		c.warn("Select\\Default is 0, which names no control set: only the one that Select\\Current names is taken")
	}
	return sets, nil
}

// all chooses every set that Windows may start with.
func (c *ControlSets) all() ([]ControlSet, error) {
	var chosen []ControlSet
	for _, name := range []string{"Default", "Current", "LastKnownGood"} {
		sets, err := c.named(name)
		switch {
		case err == nil || errors.Is(err, errNoSet):
			chosen = distinct(chosen, sets)
		case name == "LastKnownGood" && (errors.Is(err, hive.ErrNotFound) || errors.Is(err, errMissingSet)):
			// As it is in Windows 8 and later.
		case name == "Current" && errors.Is(err, errMissingSet):
			c.warn("Select\\Current is %d, but %s: it is left out", c.Select.Current.Value, errMissingSet)
		default:
			return nil, err
		}
	}
	if len(chosen) == 0 {
		return nil, c.refuse("Select names no control set")
	}
	return chosen, nil
}

func distinct(groups ...[]ControlSet) []ControlSet {
	var sets []ControlSet
	for _, set := range slices.Concat(groups...) {
		if !slices.ContainsFunc(sets, func(s ControlSet) bool { return s.Number == set.Number }) {
			sets = append(sets, set)
		}
	}
	return sets
}

// Why a number of Select leads to no set.
var (
	errNoSet      = errors.New("it is 0, which names no control set")
	errMissingSet = errors.New("there is no such control set")
)

// named returns the set that a value of Select names.
func (c *ControlSets) named(name string) ([]ControlSet, error) {
	number := map[string]hive.Number{
		"Current":       c.Select.Current,
		"Default":       c.Select.Default,
		"LastKnownGood": c.Select.LastKnownGood,
	}[name]
	if number.Err != nil {
		return nil, c.refuseBecause(number.Err, "Select\\%s cannot be read: %s", name, number.Err)
	}
	if number.Value == 0 {
		return nil, c.refuseBecause(errNoSet, "Select\\%s: %s", name, errNoSet)
	}
	set, ok := c.byNumber(number.Value)
	if !ok {
		return nil, c.refuseBecause(errMissingSet, "Select\\%s is %d, but %s", name, number.Value, errMissingSet)
	}
	return []ControlSet{set}, nil
}

func (c *ControlSets) refuse(format string, args ...any) error {
	refused := c.refusal(format, args...)
	return &refused
}

// refusal has no override where the hive has no set that could be named.
func (c *ControlSets) refusal(format string, args ...any) RefusedError {
	refused := RefusedError{Reason: fmt.Sprintf(format, args...) + c.present()}
	if len(c.Sets) > 0 {
		refused.Override, refused.Effect = overrideControlSet, "names the one to patch"
	}
	return refused
}

// selectError is a refusal that keeps its cause.
type selectError struct {
	RefusedError
	cause error
}

func (e *selectError) Unwrap() []error { return []error{&e.RefusedError, e.cause} }

func (c *ControlSets) refuseBecause(cause error, format string, args ...any) error {
	return &selectError{c.refusal(format, args...), cause}
}

// present lists the sets that there are, for a message.
func (c *ControlSets) present() string {
	names := make([]string, len(c.Sets))
	for i, set := range c.Sets {
		names[i] = set.Name()
	}
	switch len(names) {
	case 0:
		return " (the hive has no control set at all; is it a SYSTEM hive?)"
	case 1:
		return " (the only control set is " + names[0] + ")"
	}
	return " (there are " + strings.Join(names, ", ") + ")"
}

// subSystems returns the key that holds the value. It returns an error that
// wraps hive.ErrNotFound when there is none.
func (s ControlSet) subSystems() (*hive.Key, error) {
	key := s.Key
	for name := range strings.SplitSeq(subSystemsPath, `\`) {
		var err error
		if key, err = key.Subkey(name); err != nil {
			return nil, err
		}
	}
	return key, nil
}

// value returns the value and what it holds.
func (s ControlSet) value() (*hive.Value, Value, error) {
	key, err := s.subSystems()
	if err != nil {
		return nil, Value{}, err
	}
	stored, err := key.Value(valueName)
	if err != nil {
		return nil, Value{}, err
	}
	data, err := stored.Data()
	if err != nil {
		return nil, Value{}, err
	}
	return stored, ParseValue(uint32(stored.Type()), data), nil
}

// bits tells whether the Windows of the set has 32 or 64 bits, 0 when it does
// not say.
func (s ControlSet) bits() int {
	key, err := s.Key.Subkey("Control")
	for _, name := range []string{"Session Manager", "Environment"} {
		if err == nil {
			key, err = key.Subkey(name)
		}
	}
	if err != nil {
		return 0
	}
	value, err := key.Value("PROCESSOR_ARCHITECTURE")
	if err != nil {
		return 0
	}
	data, err := value.Data()
	if err != nil {
		return 0
	}
	switch strings.ToLower(ParseValue(uint32(value.Type()), data).Text()) {
	case "x86":
		return 32
	case "amd64", "arm64", "ia64":
		return 64
	}
	return 0
}
