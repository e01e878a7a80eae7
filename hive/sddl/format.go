package sddl

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// nullList is the flag of a list that is present but null.
const nullList = "NO_ACCESS_CONTROL"

// controlNames are control flags that the language has no words for.
var controlNames = []struct {
	flag uint16
	name string
}{
	{ownerDefaulted, "OWNER_DEFAULTED"},
	{groupDefaulted, "GROUP_DEFAULTED"},
	{daclDefaulted, "DACL_DEFAULTED"},
	{saclDefaulted, "SACL_DEFAULTED"},
	{daclTrusted, "DACL_TRUSTED"},
	{serverSecurity, "SERVER_SECURITY"},
	{managerValid, "RM_CONTROL_VALID"},
}

// listFlags are the words for the control flags of a list.
type listFlags []struct {
	text    string
	control uint16
}

var (
	daclFlags = listFlags{{"P", daclProtected}, {"AR", daclInheritReq}, {"AI", daclAutoInherited}}
	saclFlags = listFlags{{"P", saclProtected}, {"AR", saclInheritReq}, {"AI", saclAutoInherited}}
)

// format writes the descriptor as text.
func (d *descriptor) format() (string, error) {
	if err := d.expressible(); err != nil {
		return "", err
	}
	text := make([]byte, 0, 256)
	if d.owner != nil {
		text = appendSID(append(text, "O:"...), d.owner)
	}
	if d.group != nil {
		text = appendSID(append(text, "G:"...), d.group)
	}
	for _, part := range []struct {
		name  string
		flags listFlags
		list  *list
	}{{"D:", daclFlags, d.dacl}, {"S:", saclFlags, d.sacl}} {
		if part.list == nil {
			continue
		}
		text = append(text, part.name...)
		for _, flag := range part.flags {
			if d.control&flag.control != 0 {
				text = append(text, flag.text...)
			}
		}
		if part.list.null {
			text = append(text, nullList...)
		}
		for i := range part.list.entries {
			text = part.list.entries[i].appendText(text)
		}
	}
	return string(text), nil
}

// expressible returns an error that names what the text cannot carry.
func (d *descriptor) expressible() error {
	var lost []string
	for _, control := range controlNames {
		if d.control&control.flag != 0 {
			lost = append(lost, "the flag "+control.name)
		}
	}
	if d.manager != 0 {
		lost = append(lost, fmt.Sprintf("the resource manager's byte %#02x", d.manager))
	}
	if d.dacl == nil && d.control&daclProtected != 0 {
		lost = append(lost, "the flag DACL_PROTECTED without a DACL")
	}
	if d.sacl == nil && d.control&saclProtected != 0 {
		lost = append(lost, "the flag SACL_PROTECTED without a SACL")
	}
	for _, part := range []struct {
		name string
		list *list
	}{{"DACL", d.dacl}, {"SACL", d.sacl}} {
		if part.list == nil {
			continue
		}
		if part.list.size() > maxListSize {
			lost = append(lost, fmt.Sprintf("a %s of %d bytes without overlaps, at most %d are allowed", part.name, part.list.size(), maxListSize))
		}
		for i := range part.list.entries {
			if problem := part.list.entries[i].inexpressible(); problem != "" {
				lost = append(lost, fmt.Sprintf("%s in entry %d of the %s", problem, i+1, part.name))
			}
		}
	}
	if d.owner == nil && d.group == nil && d.dacl == nil && d.sacl == nil {
		lost = append(lost, "a descriptor without any part")
	}
	if lost != nil {
		return fmt.Errorf("%w: %s", ErrInexpressible, strings.Join(lost, ", "))
	}
	return nil
}

// inexpressible says what the text of the entry cannot carry, "" for nothing.
func (e *entry) inexpressible() string {
	if e.attribute == nil {
		return ""
	}
	return e.attribute.inexpressible()
}

// appendText appends the entry as text.
func (e *entry) appendText(text []byte) []byte {
	text = append(text, '(')
	text = append(text, findKind(kinds, e.kind).text...)
	text = append(text, ';')
	text, _ = appendWords(text, entryFlags, uint32(e.flags))
	text = append(text, ';')
	text = appendRights(text, e.kind, e.mask)
	text = append(text, ';')
	text = appendGUID(text, e.object)
	text = append(text, ';')
	text = appendGUID(text, e.inherited)
	text = append(text, ';')
	text = appendSID(text, e.trustee)
	if e.attribute != nil {
		text = append(text, ";("...)
		text = e.attribute.appendText(text)
		text = append(text, ')')
	}
	return append(text, ')')
}

// appendGUID appends a GUID, whose first three numbers are little-endian, and
// nothing for none.
func appendGUID(text, guid []byte) []byte {
	if guid == nil {
		return text
	}
	text = fmt.Appendf(text, "%08x-%04x-%04x-", binary.LittleEndian.Uint32(guid), binary.LittleEndian.Uint16(guid[4:]), binary.LittleEndian.Uint16(guid[6:]))
	text = hex.AppendEncode(text, guid[8:10])
	text = append(text, '-')
	return hex.AppendEncode(text, guid[10:16])
}
