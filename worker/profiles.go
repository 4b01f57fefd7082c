package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/leaver-dev/leaver"
	"go.yaml.in/yaml/v3"
)

// profiles reads the file of LEAVER_PROFILES, which is YAML, or JSON as JSON is YAML too. No path means none.
func profiles(path string) (map[string]leaver.Profile, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New("LEAVER_PROFILES: the file cannot be read")
	}
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("LEAVER_PROFILES: want YAML with profiles by name: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("LEAVER_PROFILES: the file names no profile")
	}
	input, err := json.Marshal(all)
	if err != nil {
		return nil, errors.New("LEAVER_PROFILES: want texts as the names of all fields")
	}
	read, err := leaver.ParseProfiles(input)
	if err != nil {
		return nil, fmt.Errorf("LEAVER_PROFILES: %w", err)
	}
	return read, nil
}
