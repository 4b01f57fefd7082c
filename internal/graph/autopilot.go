package graph

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver/internal/ascii"
)

// AutopilotIdentity is a device that is registered with Windows Autopilot.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-enrollment-windowsautopilotdeviceidentity
type AutopilotIdentity struct {
	ID              string `json:"id"`
	SerialNumber    string `json:"serialNumber"`
	ManagedDeviceID string `json:"managedDeviceId"`
	AzureADDeviceID string `json:"azureActiveDirectoryDeviceId"`
}

const autopilotIdentities = "/deviceManagement/windowsAutopilotDeviceIdentities"

var (
	listAutopilot           = call{http.MethodGet, "list windowsAutopilotDeviceIdentities", "DeviceManagementServiceConfig.Read.All"}
	deleteAutopilotIdentity = call{http.MethodDelete, "delete windowsAutopilotDeviceIdentity", "DeviceManagementServiceConfig.ReadWrite.All"}
)

// AutopilotIdentities lists the Autopilot identities that have a serial number.
// Graph's filter also finds a serial number that merely contains the one asked
// for; the method drops those.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-enrollment-windowsautopilotdeviceidentity-list
func (c *Client) AutopilotIdentities(ctx context.Context, serialNumber string) ([]AutopilotIdentity, error) {
	filter := "contains(serialNumber,'" + strings.ReplaceAll(serialNumber, "'", "''") + "')"
	all, err := list[AutopilotIdentity](ctx, c, listAutopilot, c.root+autopilotIdentities+"?$filter="+url.QueryEscape(filter))
	return slices.DeleteFunc(all, func(a AutopilotIdentity) bool { return !ascii.EqualFold(a.SerialNumber, serialNumber) }), err
}

// DeleteAutopilotIdentity deregisters a device from Autopilot. Whoever wants to
// register it again needs its hardware hash.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-enrollment-windowsautopilotdeviceidentity-delete
func (c *Client) DeleteAutopilotIdentity(ctx context.Context, id string, approval Approval) error {
	return c.do(approval.with(ctx), deleteAutopilotIdentity, c.object(autopilotIdentities, id, ""), nil, nil)
}
