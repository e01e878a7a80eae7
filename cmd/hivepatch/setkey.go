package main

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/sddl"
)

// keyChange is what set changes of a key itself.
type keyChange struct {
	class    *string
	security string // SDDL, "" for none
	file     string // with a security descriptor, "" for none
}

func (k keyChange) isAny() bool { return k.class != nil || k.security != "" || k.file != "" }

func readKeyChange(c *cli.Context) (k keyChange, err error) {
	if c.Bool("no-class") {
		k.class = new(string)
	}
	if text := c.String("class"); text != "" {
		if k.class != nil {
			return k, usagef("--class and --no-class exclude each other")
		}
		class, err := parseName(text)
		if err != nil {
			return k, err
		}
		k.class = &class
	}
	security := c.String("security")
	if path, ok := strings.CutPrefix(security, "@"); ok {
		k.file = path
		if path == "" {
			return k, usagef("--security @ needs the name of a file")
		}
		return k, nil
	}
	k.security = security
	return k, nil
}

// runSetKey changes the class name and the security descriptor of a key.
func runSetKey(env *environment, o setOptions) error {
	descriptor, read, err := readDataFile(env, o.ofKey.file)
	if err != nil {
		return err
	}
	if o.ofKey.security != "" {
		if descriptor, err = sddl.Parse(o.ofKey.security); err != nil {
			return usagef("--security: %s", err)
		}
	}
	return o.applyBeside(env, read, func(d *edit.Draft, changes *changeList) error {
		key, err := o.openKey(d, changes)
		if err != nil {
			return err
		}
		changes.tell("key", "%s", printablePath(key.Path()))
		if o.ofKey.class != nil {
			if err := setClass(d, changes, key, *o.ofKey.class); err != nil {
				return err
			}
		}
		if descriptor != nil || o.ofKey.file != "" {
			return setSecurity(d, changes, key, descriptor)
		}
		return nil
	})
}

func setClass(d *edit.Draft, changes *changeList, key *hive.Key, class string) error {
	old, err := key.Class()
	if err != nil {
		return err
	}
	path := key.Path()
	changes.require(func(written *hive.Hive) error {
		key, err := keyAt(written, path)
		if err != nil {
			return err
		}
		if stored, err := key.Class(); err != nil || stored != class {
			return fmt.Errorf("the class name of key %s is not the one written (%v)", printablePath(path), err)
		}
		return nil
	})
	if old == class {
		changes.nothing("the class name is %s already", classText(class))
		return nil
	}
	if err := key.SetClass(class, d.Time); err != nil {
		return err
	}
	changes.tell("class", "%s -> %s", classText(old), classText(class))
	changes.add(editJSON{Action: actionSetClass, Key: wtfString(path), Before: wtfString(old), After: wtfString(class)})
	return nil
}

func classText(class string) string {
	if class == "" {
		return "none"
	}
	return printableName(class)
}

func setSecurity(d *edit.Draft, changes *changeList, key *hive.Key, descriptor []byte) error {
	old, err := key.SecurityDescriptor()
	if err != nil {
		return err
	}
	path := key.Path()
	changes.require(func(written *hive.Hive) error {
		key, err := keyAt(written, path)
		if err != nil {
			return err
		}
		if stored, err := key.SecurityDescriptor(); err != nil || string(stored) != string(descriptor) {
			return fmt.Errorf("the security descriptor of key %s is not the one written (%v)", printablePath(path), err)
		}
		return nil
	})
	if string(old) == string(descriptor) {
		changes.nothing("the security descriptor is so already")
		return nil
	}
	if err := key.SetSecurityDescriptor(descriptor, d.Time); err != nil {
		return err
	}
	changes.tell("before", "%s", securityText(old))
	changes.tell("after", "%s", securityText(descriptor))
	changes.add(editJSON{Action: actionSetSecurity, Key: wtfString(path), Before: hex.EncodeToString(old), After: hex.EncodeToString(descriptor)})
	return nil
}

// securityText is a security descriptor for people: as SDDL, where that can say
// it.
func securityText(descriptor []byte) string {
	text, err := sddl.Format(descriptor)
	if err != nil {
		return hex.EncodeToString(descriptor)
	}
	return text
}
