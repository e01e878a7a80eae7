package policy

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

func compiledSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("policy.json", document))
	compiled, err := compiler.Compile("policy.json")
	require.NoError(t, err)
	return compiled
}

// instance is a policy as a validator of JSON sees it.
func instance(text []byte) (any, error) {
	root, err := document(text)
	if err != nil {
		return nil, err
	}
	var loaded any
	if err := root.Load(&loaded); err != nil {
		return nil, err
	}
	return jsonValue(loaded), nil
}

// jsonValue turns numbers into those of JSON.
func jsonValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			v[name] = jsonValue(value)
		}
	case []any:
		for i, value := range v {
			v[i] = jsonValue(value)
		}
	case int:
		return json.Number(strconv.Itoa(v))
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case uint64:
		return json.Number(new(big.Int).SetUint64(v).String())
	}
	return v
}

// The schema accepts every policy that Parse accepts.
func TestSchemaAccepts(t *testing.T) {
	compiled := compiledSchema(t)
	files, err := filepath.Glob("../../testdata/policy/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	texts := map[string][]byte{}
	for _, file := range files {
		texts[file], err = os.ReadFile(file)
		require.NoError(t, err)
	}
	for i, seed := range seeds() {
		texts["seed "+strconv.Itoa(i)] = []byte(seed)
	}
	for name, text := range texts {
		_, err := Parse(text)
		require.NoError(t, err, name)
		read, err := instance(text)
		require.NoError(t, err, name)
		require.NoError(t, compiled.Validate(read), name)
	}
}

// The schema finds what is wrong with a policy, but for what no schema can say.
func TestSchemaRefuses(t *testing.T) {
	compiled := compiledSchema(t)
	beyond := []string{
		"field twice", "user twice", "merge", // gone when YAML has been read
		"long name of a key", "deep path",
		"absent root", "absent control set", "control set of another key",
		"octal number", // which is another number in YAML
		"unknown preset", "preset with each",
	}
	for name, c := range brokenPolicies() {
		t.Run(name, func(t *testing.T) {
			read, err := instance([]byte(c.text))
			if err != nil {
				return // no YAML
			}
			err = compiled.Validate(read)
			require.Equal(t, slices.Contains(beyond, name), err == nil, "%v", err)
		})
	}
}

// The schema names the types that Parse knows.
func TestSchemaTypes(t *testing.T) {
	var names []string
	for number, name := range typeNames {
		names = append(names, name, typeOf(number).String())
	}
	for _, name := range names {
		require.Contains(t, string(Schema()), strconv.Quote(name))
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	for _, c := range brokenPolicies() {
		f.Add([]byte(c.text))
	}
	compiled := compiledSchema(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		require.NotEmpty(t, p.Sections)
		read, err := instance(text)
		if err != nil {
			return // references, of which the YAML library takes fewer
		}
		require.NoError(t, compiled.Validate(read), "the schema refuses what Parse accepts")
	})
}
