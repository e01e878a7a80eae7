package hive

import (
	"fmt"
	"time"

	"hivepatch/hive/internal/regf"
)

// rootName is the name of the root key of a new hive. It has no meaning.
const rootName = "ROOT"

// New returns an empty hive of version 1.minor: 5, which holds data of any
// size, or 3, which Windows NT 4 to XP need. Its root key gives full access to
// the system and to administrators, and lets everyone read. It returns an error
// for any other version.
func New(minor uint32, t time.Time) (*Hive, error) {
	name, err := regf.NewName(rootName)
	if err != nil {
		return nil, err
	}
	image, err := regf.New(minor, name, rootDescriptor(), regf.Filetime(t))
	if err != nil {
		return nil, fmt.Errorf("new hive: %w", err)
	}
	return &Hive{image: image}, nil
}

// Access rights of keys.
const (
	keyRead      = 0x20019
	keyAllAccess = 0xF003F
)

// rootDescriptor is the self-relative security descriptor with the SDDL text
// O:BAG:BAD:(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;WD)(A;CI;KR;;;RC).
func rootDescriptor() []byte {
	var (
		system         = []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}
		administrators = []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0}
		everyone       = []byte{1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}
		restrictedCode = []byte{1, 1, 0, 0, 0, 0, 0, 5, 12, 0, 0, 0}
	)
	return regf.NewDescriptor(administrators, administrators, []regf.Access{
		{SID: system, Mask: keyAllAccess},
		{SID: administrators, Mask: keyAllAccess},
		{SID: everyone, Mask: keyRead},
		{SID: restrictedCode, Mask: keyRead},
	})
}
