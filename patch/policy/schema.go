package policy

import _ "embed"

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of policies. It finds the
// mistakes that a schema can express; Parse finds more.
func Schema() []byte { return append([]byte(nil), schema...) }
