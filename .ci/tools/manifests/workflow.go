package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// The module of Argo Workflows has its schema. It is downloaded but not built,
// which would take more than everything else here.
const (
	argoModule = "github.com/argoproj/argo-workflows/v3@v3.7.2"
	argoSum    = "h1:Fi6j0q2sCg6cfkntKde5KA+TfJgMrq1MzJCmOESlWNw="
	argoSchema = "api/jsonschema/schema.json"
)

// checkWorkflow wants what the schema says, and no field that it does not name.
func checkWorkflow(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return err
	}
	workflow, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	schema, err := workflowSchema()
	if err != nil {
		return err
	}
	return schema.Validate(workflow)
}

func workflowSchema() (*jsonschema.Schema, error) {
	folder, err := download(argoModule, argoSum)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(folder, argoSchema))
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	definitions := document.(map[string]any)["definitions"].(map[string]any)
	for _, definition := range definitions {
		// The schema allows unknown fields, and what is misspelt is unknown.
		if object := definition.(map[string]any); object["properties"] != nil {
			object["additionalProperties"] = false
		}
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(argoSchema, document); err != nil {
		return nil, err
	}
	return compiler.Compile(argoSchema + "#/definitions/io.argoproj.workflow.v1alpha1.Workflow")
}

// download returns the folder of a module with the sum that is wanted.
func download(module, sum string) (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("download of %s: %w: %s", module, err, out)
	}
	var found struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &found); err != nil {
		return "", err
	}
	if found.Sum != sum {
		return "", fmt.Errorf("%s has the sum %s, want %s", module, found.Sum, sum)
	}
	return found.Dir, nil
}
