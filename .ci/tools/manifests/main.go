// Command manifests checks files that other programs read against what these
// publish about them:
//
//	manifests job FILE          a Job of Kubernetes, against the types of its API;
//	                            prints the arguments of its container, one a line
//	manifests workflow FILE     a Workflow of Argo, against its JSON Schema
//	manifests dockerfile FILE   a Dockerfile, with the parser of BuildKit
//	manifests oci FOLDER        an image in the OCI layout: digests, sizes, layers
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	batch "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	checks := map[string]func(path string) error{
		"job": checkJob, "workflow": checkWorkflow, "dockerfile": checkDockerfile, "oci": checkImage,
	}
	if len(arguments) != 2 || checks[arguments[0]] == nil {
		return errors.New("usage: manifests job|workflow|dockerfile|oci PATH")
	}
	if err := checks[arguments[0]](arguments[1]); err != nil {
		return fmt.Errorf("%s: %w", arguments[1], err)
	}
	return nil
}

// checkJob wants the fields of a Job and no others, each of its type.
func checkJob(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var job batch.Job
	if err := yaml.UnmarshalStrict(data, &job); err != nil {
		return err
	}
	if job.APIVersion != batch.SchemeGroupVersion.String() || job.Kind != "Job" {
		return fmt.Errorf("%s %s, want %s Job", job.APIVersion, job.Kind, batch.SchemeGroupVersion)
	}
	for _, container := range job.Spec.Template.Spec.Containers {
		fmt.Println(strings.Join(container.Args, "\n"))
	}
	return nil
}

// checkDockerfile wants instructions that are known, with the arguments they take.
func checkDockerfile(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	file, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if len(file.Warnings) > 0 {
		return fmt.Errorf("%v", file.Warnings[0].Short)
	}
	stages, _, err := instructions.Parse(file.AST, nil)
	if err != nil {
		return err
	}
	if len(stages) != 1 || stages[0].BaseName != "scratch" {
		return errors.New("it is not one stage from scratch")
	}
	return nil
}

// checkImage reads an image whole, and compares it with its digests.
func checkImage(path string) error {
	index, err := layout.ImageIndexFromPath(path)
	if err != nil {
		return err
	}
	return validate.Index(index)
}
