package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/receipt"
	"hivepatch/patch/policy"
)

// schemas are the JSON Schemas of what the program reads and writes, by name.
func schemas() map[string]func() ([]byte, error) {
	return map[string]func() ([]byte, error){
		"policy":  func() ([]byte, error) { return policy.Schema(), nil },
		"receipt": func() ([]byte, error) { return receipt.Schema(), nil },
		"target":  targetSchema,
	}
}

func schemaNames() []string { return slices.Sorted(maps.Keys(schemas())) }

func newSchemaCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "schema",
		Usage:     "print a JSON Schema",
		UsageText: "hivepatch schema NAME",
		Description: `Prints the JSON Schema (draft 2020-12) of a kind of file:

   policy   what apply and verify read
   receipt  what --report FILE writes; after a batch, a line of it
   target   an object in a list of --targets FILE

Examples:
   hivepatch schema receipt >receipt.schema.json
   hivepatch schema policy >policy.schema.json`,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return hinted(usagef("schema takes one NAME, not %d", c.NArg()), "the names are %s", strings.Join(schemaNames(), ", "))
			}
			schema := schemas()[c.Args().First()]
			if schema == nil {
				return hinted(usagef("no schema %q", c.Args().First()), "the names are %s", strings.Join(schemaNames(), ", "))
			}
			text, err := schema()
			if err != nil {
				return err
			}
			_, err = env.stdout.Write(text)
			return err
		},
	}
}

// batchCommands are the commands that take lists of targets.
func batchCommands() []*batchCommand {
	return []*batchCommand{patchBatch(), applyBatch(), verifyBatch()}
}

// object is a JSON object.
type object = map[string]any

// targetSchema is made of the options of the commands, which the fields of an
// object in a list are.
func targetSchema() ([]byte, error) {
	fields := object{targetField: object{"type": "string", "minLength": 1, "description": "A hive file, or the folder of a Windows."}}
	takenBy := map[string][]string{}
	for _, command := range batchCommands() {
		for name, flag := range newSettings(command.flags()) {
			takenBy[name] = append(takenBy[name], command.name)
			fields[name] = fieldSchema(flag, takenBy[name])
		}
	}
	text, err := json.MarshalIndent(object{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"$id":                  "https://hivepatch.invalid/target-1.json",
		"title":                "hivepatch target",
		"description":          "An object in a list of targets, with settings that take the place of options on the command line.",
		"type":                 "object",
		"additionalProperties": false,
		"required":             []string{targetField},
		"properties":           fields,
	}, "", "  ")
	return append(text, '\n'), err
}

func fieldSchema(flag cli.Flag, commands []string) object {
	field := object{"description": "As --" + flag.Names()[0] + " of " + strings.Join(commands, ", ") + ": " + meaning(flag) + "."}
	text := object{"type": "string", "minLength": 1}
	switch {
	case isRepeatable(flag):
		field["type"], field["items"] = "array", text
	case takesValue(flag):
		field["oneOf"] = []object{text, {"type": "integer", "minimum": 0}}
	default:
		field["type"] = "boolean"
	}
	return field
}
