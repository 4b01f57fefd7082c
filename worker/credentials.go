package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity/cache"
	"github.com/leaver-dev/leaver/internal/graph"
)

// credentialKind is a way of signing in.
//
// Microsoft: https://learn.microsoft.com/azure/developer/go/sdk/authentication/credential-chains
type credentialKind string

const (
	defaultChain      credentialKind = "default"
	clientSecret      credentialKind = "client-secret"
	clientCertificate credentialKind = "client-certificate"
	workloadIdentity  credentialKind = "workload-identity"
	managedIdentity   credentialKind = "managed-identity"
	deviceCode        credentialKind = "device-code"
	// simulated sends LEAVER_GRAPH_TOKEN as it is, to a tenant on loopback.
	simulated credentialKind = "simulated"
)

// account is one credential of the configuration, with the names of the
// variables that it came from, for errors.
type account struct {
	kind                     credentialKind
	identity                 identity
	variable, variablePrefix string
	// graphToken is for kind simulated.
	graphToken, graphTokenVariable string
	config                         config
}

func (c config) main() account {
	return account{c.Credential, c.Identity, "LEAVER_CREDENTIAL", "AZURE_", c.GraphToken, "LEAVER_GRAPH_TOKEN", c}
}

func (c config) devices() account {
	return account{c.DeviceCredential, c.DeviceIdentity, "LEAVER_DEVICE_CREDENTIAL", "LEAVER_DEVICE_", c.DeviceGraphToken, "LEAVER_DEVICE_GRAPH_TOKEN", c}
}

// credentials makes the credential for all steps and the one for the device
// steps, which is nil unless it is configured.
func (c config) credentials() (all, devices azcore.TokenCredential, err error) {
	if all, err = c.main().renewable(); err == nil && c.DeviceCredential != "" {
		devices, err = c.devices().renewable()
	}
	return all, devices, err
}

// renewing makes its credential anew after Graph has refused a token, because azidentity
// gives the same token out until it expires.
type renewing struct {
	make func() (azcore.TokenCredential, error)
	// current is empty after a refusal.
	current atomic.Pointer[azcore.TokenCredential]
}

func (a account) renewable() (azcore.TokenCredential, error) {
	r := &renewing{make: a.credential}
	_, err := r.credential()
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *renewing) credential() (azcore.TokenCredential, error) {
	if known := r.current.Load(); known != nil {
		return *known, nil
	}
	made, err := r.make()
	if err == nil {
		r.current.Store(&made)
	}
	return made, err
}

// Renew implements graph.Renewer.
func (r *renewing) Renew() { r.current.Store(nil) }

func (r *renewing) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	credential, err := r.credential()
	if err != nil {
		return azcore.AccessToken{}, err
	}
	return credential.GetToken(ctx, options)
}

// credential checks what its kind needs and makes it. Nothing is sent.
func (a account) credential() (azcore.TokenCredential, error) {
	id, options := a.identity, a.clientOptions()
	switch a.kind {
	case defaultChain:
		if id.ClientSecretFile != "" {
			return nil, fmt.Errorf("%sCLIENT_SECRET_FILE: set %s=client-secret with it", a.variablePrefix, a.variable)
		}
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options, TenantID: id.TenantID})
	case clientSecret:
		secret, err := a.secret()
		if err != nil {
			return nil, err
		}
		if err := a.registered("CLIENT_SECRET", secret); err != nil {
			return nil, err
		}
		return azidentity.NewClientSecretCredential(id.TenantID, id.ClientID, secret, &azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	case clientCertificate:
		return a.certificate(options)
	case workloadIdentity:
		if err := a.registered("FEDERATED_TOKEN_FILE", id.TokenFile); err != nil {
			return nil, err
		}
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, TenantID: id.TenantID, ClientID: id.ClientID, TokenFilePath: id.TokenFile,
		})
	case managedIdentity:
		o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
		if id.ClientID != "" {
			o.ID = azidentity.ClientID(id.ClientID)
		}
		return azidentity.NewManagedIdentityCredential(o)
	case deviceCode:
		record, err := a.signedIn()
		if err != nil {
			return nil, err
		}
		return a.deviceCode(record, nil)
	case simulated:
		switch {
		case !graph.Loopback(a.config.GraphURL):
			return nil, fmt.Errorf("%s: simulated is for a LEAVER_GRAPH_URL on loopback only", a.variable)
		case a.graphToken == "":
			return nil, fmt.Errorf("%s: must be set with %s=simulated", a.graphTokenVariable, a.variable)
		}
		return staticToken(a.graphToken), nil
	}
	return nil, fmt.Errorf("%s: want default, client-secret, client-certificate, workload-identity, managed-identity or device-code", a.variable)
}

func (a account) clientOptions() azcore.ClientOptions {
	// Temporal owns the retries, of signing in as well.
	return azcore.ClientOptions{Cloud: a.config.cloud().SignIn, Retry: policy.RetryOptions{MaxRetries: -1}}
}

// registered checks that what a registered application needs is set, and one variable
// more; it names the first that is not.
func (a account) registered(name, value string) error {
	for _, v := range [][2]string{{"TENANT_ID", a.identity.TenantID}, {"CLIENT_ID", a.identity.ClientID}, {name, value}} {
		if v[1] == "" {
			return fmt.Errorf("%s%s: must be set with %s=%s", a.variablePrefix, v[0], a.variable, a.kind)
		}
	}
	return nil
}

func (a account) secret() (string, error) {
	if a.identity.ClientSecretFile == "" {
		return a.identity.ClientSecret, nil
	}
	return secretIn(a.variablePrefix+"CLIENT_SECRET_FILE", a.identity.ClientSecretFile)
}

// secretIn is the secret in the file that a variable names.
func secretIn(variable, path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", variable, err)
	}
	return strings.TrimSpace(string(content)), nil
}

func (a account) certificate(options azcore.ClientOptions) (azcore.TokenCredential, error) {
	if err := a.registered("CLIENT_CERTIFICATE_PATH", a.identity.CertificatePath); err != nil {
		return nil, err
	}
	variable := a.variablePrefix + "CLIENT_CERTIFICATE_PATH"
	content, err := os.ReadFile(a.identity.CertificatePath)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	certificates, key, err := azidentity.ParseCertificates(content, []byte(a.identity.CertificatePassword))
	if err != nil {
		return nil, fmt.Errorf("%s: want a PEM or PKCS#12 file with the certificate and its key: %w", variable, err)
	}
	return azidentity.NewClientCertificateCredential(a.identity.TenantID, a.identity.ClientID, certificates, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: options, SendCertificateChain: true})
}

// staticToken is only ever sent to a simulated tenant.
type staticToken string

func (s staticToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(s), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// deviceCode makes a credential that uses a sign-in of before; it prompts only
// where prompt is given.
func (a account) deviceCode(record azidentity.AuthenticationRecord, prompt func(context.Context, azidentity.DeviceCodeMessage) error) (*azidentity.DeviceCodeCredential, error) {
	if err := a.registered("CLIENT_ID", a.identity.ClientID); err != nil {
		return nil, err
	}
	tokens, err := cache.New(&cache.Options{Name: "leaver"})
	if err != nil {
		return nil, fmt.Errorf("%s=device-code needs the operating system's key store (on Linux the kernel keyring), which is not available: %w", a.variable, err)
	}
	return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: a.clientOptions(), TenantID: a.identity.TenantID, ClientID: a.identity.ClientID,
		Cache: tokens, AuthenticationRecord: record, DisableAutomaticAuthentication: prompt == nil, UserPrompt: prompt,
	})
}

// recordPath is where `worker sign-in` leaves who signed in. The file holds no
// secret; the tokens are in the operating system's key store.
func (a account) recordPath() (string, error) {
	dir := a.config.SignInDir
	if dir == "" {
		home, err := os.UserConfigDir()
		if err != nil {
			return "", fmt.Errorf("LEAVER_SIGN_IN_DIR: must be set, there is no configuration directory: %w", err)
		}
		dir = filepath.Join(home, "leaver")
	}
	return filepath.Join(dir, "sign-in-"+filepath.Base(a.identity.ClientID)+".json"), nil
}

func (a account) signedIn() (azidentity.AuthenticationRecord, error) {
	var record azidentity.AuthenticationRecord
	if err := a.registered("CLIENT_ID", a.identity.ClientID); err != nil {
		return record, err
	}
	path, err := a.recordPath()
	if err != nil {
		return record, err
	}
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = fmt.Errorf("%s=device-code: nobody has signed in yet, run `worker sign-in` with the same settings first", a.variable)
	case err == nil && json.Unmarshal(content, &record) != nil:
		err = fmt.Errorf("%s: is damaged, run `worker sign-in` again", path)
	}
	return record, err
}

// signIn signs an administrator in for every credential of kind device-code.
func signIn(ctx context.Context, c config, out io.Writer) error {
	if c.Credential != deviceCode && c.DeviceCredential != deviceCode {
		return errors.New("there is nobody to sign in: set LEAVER_CREDENTIAL or LEAVER_DEVICE_CREDENTIAL to device-code")
	}
	for _, a := range []account{c.main(), c.devices()} {
		if a.kind != deviceCode {
			continue
		}
		credential, err := a.deviceCode(azidentity.AuthenticationRecord{}, func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			_, err := fmt.Fprintln(out, m.Message)
			return err
		})
		if err != nil {
			return err
		}
		record, err := credential.Authenticate(ctx, &policy.TokenRequestOptions{Scopes: []string{c.cloud().Scope()}, EnableCAE: true})
		if err != nil {
			return fmt.Errorf("%s: sign in: %w", a.variable, err)
		}
		if err := a.remember(record); err != nil {
			return err
		}
		fmt.Fprintf(out, "Signed in for %s. Start the worker now, or restart it.\n", a.variable)
	}
	return nil
}

func (a account) remember(record azidentity.AuthenticationRecord) error {
	path, err := a.recordPath()
	if err != nil {
		return err
	}
	content, err := json.Marshal(record)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
