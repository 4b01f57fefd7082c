package graph

import (
	"context"
	"net/http"
	"slices"
)

var (
	listAppRegistrations = call{http.MethodGet, "list managedAppRegistrations", "DeviceManagementApps.Read.All"}
	wipeAppRegistrations = call{http.MethodPost, "wipeManagedAppRegistrationsByDeviceTag", "DeviceManagementApps.ReadWrite.All"}
)

// ManagedAppDeviceTags lists the tags of the devices on which apps hold a user's
// data under an app protection policy, each tag once. The tag is empty of those that
// Graph lists without a tag that can be read.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-mam-managedappregistration-list
func (c *Client) ManagedAppDeviceTags(ctx context.Context, userID string) ([]string, error) {
	registrations, err := list[struct {
		DeviceTag string `json:"deviceTag"`
	}](ctx, c, listAppRegistrations, c.user(userID, "/managedAppRegistrations"))
	if err != nil {
		return nil, err
	}
	var tags []string
	for _, registration := range registrations {
		if !slices.Contains(tags, registration.DeviceTag) {
			tags = append(tags, registration.DeviceTag)
		}
	}
	return tags, nil
}

// WipeManagedAppRegistrations makes the apps on one device wipe a user's data
// when they are next opened.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-mam-user-wipemanagedappregistrationsbydevicetag
func (c *Client) WipeManagedAppRegistrations(ctx context.Context, userID, deviceTag string, approval Approval) error {
	body := map[string]string{"deviceTag": deviceTag}
	return c.do(approval.with(ctx), wipeAppRegistrations, c.user(userID, "/wipeManagedAppRegistrationsByDeviceTag"), body, nil)
}
