package graph

import (
	"context"
	"errors"
	"net/http"
)

var (
	listAppRegistrations = call{"list managedAppRegistrations", "DeviceManagementApps.Read.All"}
	wipeAppRegistrations = call{"wipeManagedAppRegistrationsByDeviceTag", "DeviceManagementApps.ReadWrite.All"}
)

// ManagedAppDeviceTags lists the tags of the devices on which apps hold a user's
// data under an app protection policy, each tag once.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-mam-managedappregistration-list
func (c *Client) ManagedAppDeviceTags(ctx context.Context, userID string) ([]string, error) {
	endpoint, err := c.user(userID, "/managedAppRegistrations")
	if err != nil {
		return nil, err
	}
	registrations, err := list[struct {
		DeviceTag string `json:"deviceTag"`
	}](ctx, c, listAppRegistrations, endpoint)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var tags []string
	for _, registration := range registrations {
		if registration.DeviceTag == "" {
			return nil, &TransportError{Call: listAppRegistrations.name, err: errors.New("the answer lacks a deviceTag")}
		}
		if !seen[registration.DeviceTag] {
			seen[registration.DeviceTag] = true
			tags = append(tags, registration.DeviceTag)
		}
	}
	return tags, nil
}

// WipeManagedAppRegistrations makes the apps on one device wipe a user's data
// when they are next opened.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-mam-user-wipemanagedappregistrationsbydevicetag
func (c *Client) WipeManagedAppRegistrations(ctx context.Context, userID, deviceTag string) error {
	endpoint, err := c.user(userID, "/wipeManagedAppRegistrationsByDeviceTag")
	if err != nil {
		return err
	}
	body := struct {
		DeviceTag string `json:"deviceTag"`
	}{deviceTag}
	return c.do(ctx, wipeAppRegistrations, http.MethodPost, endpoint, body, nil)
}
