package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	tenantID = "11111111-2222-3333-4444-555555555555"
	clientID = "66666666-7777-8888-9999-000000000000"
)

// file writes a file and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// certificate is a new self-signed certificate with its key, in PEM.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "leaver.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// made loads the environment and makes the credentials.
func made(t *testing.T, settings ...string) error {
	t.Helper()
	c := loaded(t, settings...)
	all, _, err := c.credentials()
	if err == nil {
		assert.NotNil(t, all)
	}
	return err
}

func TestEachKindOfCredentialIsMadeFromWhatItNeeds(t *testing.T) {
	who := []string{"AZURE_TENANT_ID=" + tenantID, "AZURE_CLIENT_ID=" + clientID}
	for name, settings := range map[string][]string{
		"default":                    nil,
		"default with a tenant":      who[:1],
		"client-secret":              append(who, "LEAVER_CREDENTIAL=client-secret", "AZURE_CLIENT_SECRET=invented"),
		"client-secret from a file":  append(who, "LEAVER_CREDENTIAL=client-secret", "AZURE_CLIENT_SECRET_FILE="+file(t, "invented\n")),
		"client-certificate":         append(who, "LEAVER_CREDENTIAL=client-certificate", "AZURE_CLIENT_CERTIFICATE_PATH="+file(t, certificate(t))),
		"workload-identity":          append(who, "LEAVER_CREDENTIAL=workload-identity", "AZURE_FEDERATED_TOKEN_FILE="+file(t, "invented")),
		"managed-identity":           {"LEAVER_CREDENTIAL=managed-identity"},
		"managed-identity of a name": {"LEAVER_CREDENTIAL=managed-identity", "AZURE_CLIENT_ID=" + clientID},
		"simulated":                  {"LEAVER_CREDENTIAL=simulated", "LEAVER_GRAPH_URL=http://127.0.0.1:8090/graph", "LEAVER_GRAPH_TOKEN=invented"},
		"in another cloud":           append(who, "LEAVER_CREDENTIAL=client-secret", "AZURE_CLIENT_SECRET=invented", "LEAVER_CLOUD=china"),
	} {
		t.Run(name, func(t *testing.T) { assert.NoError(t, made(t, settings...)) })
	}
}

func TestACredentialNamesWhatItLacksByItsOwnVariables(t *testing.T) {
	for _, c := range []struct {
		kind     string
		settings []string
		want     string
	}{
		{"LEAVER_CREDENTIAL=client-secret", nil, "AZURE_TENANT_ID: must be set with LEAVER_CREDENTIAL=client-secret"},
		{"LEAVER_CREDENTIAL=client-secret", []string{"AZURE_TENANT_ID=" + tenantID}, "AZURE_CLIENT_ID: must be set"},
		{"LEAVER_CREDENTIAL=client-secret", []string{"AZURE_TENANT_ID=" + tenantID, "AZURE_CLIENT_ID=" + clientID}, "AZURE_CLIENT_SECRET: must be set"},
		{"LEAVER_CREDENTIAL=client-secret", []string{"AZURE_TENANT_ID=" + tenantID, "AZURE_CLIENT_ID=" + clientID, "AZURE_CLIENT_SECRET_FILE=" + file(t, " \n")}, "AZURE_CLIENT_SECRET: must be set"},
		{"LEAVER_CREDENTIAL=client-secret", []string{"AZURE_CLIENT_SECRET_FILE=/nowhere/secret"}, "AZURE_CLIENT_SECRET_FILE: open /nowhere/secret"},
		{"LEAVER_CREDENTIAL=client-certificate", nil, "AZURE_TENANT_ID: must be set with LEAVER_CREDENTIAL=client-certificate"},
		{"LEAVER_CREDENTIAL=client-certificate", []string{"AZURE_TENANT_ID=" + tenantID, "AZURE_CLIENT_ID=" + clientID}, "AZURE_CLIENT_CERTIFICATE_PATH: must be set"},
		{"LEAVER_CREDENTIAL=client-certificate", []string{"AZURE_TENANT_ID=" + tenantID, "AZURE_CLIENT_ID=" + clientID, "AZURE_CLIENT_CERTIFICATE_PATH=/nowhere/cert.pem"}, "AZURE_CLIENT_CERTIFICATE_PATH: open /nowhere/cert.pem"},
		{"LEAVER_CREDENTIAL=client-certificate", []string{"AZURE_TENANT_ID=" + tenantID, "AZURE_CLIENT_ID=" + clientID, "AZURE_CLIENT_CERTIFICATE_PATH=" + file(t, "not one")}, "AZURE_CLIENT_CERTIFICATE_PATH: want a PEM or PKCS#12 file with the certificate and its key"},
		{"LEAVER_CREDENTIAL=workload-identity", nil, "AZURE_TENANT_ID: must be set with LEAVER_CREDENTIAL=workload-identity"},
		{"LEAVER_CREDENTIAL=workload-identity", []string{"AZURE_TENANT_ID=" + tenantID, "AZURE_CLIENT_ID=" + clientID}, "AZURE_FEDERATED_TOKEN_FILE: must be set"},
		{"LEAVER_CREDENTIAL=device-code", nil, "AZURE_TENANT_ID: must be set with LEAVER_CREDENTIAL=device-code"},
		{"LEAVER_CREDENTIAL=device-code", []string{"AZURE_TENANT_ID=" + tenantID}, "AZURE_CLIENT_ID: must be set"},
		{"LEAVER_CREDENTIAL=simulated", []string{"LEAVER_GRAPH_TOKEN=invented"}, "LEAVER_CREDENTIAL: simulated is for a LEAVER_GRAPH_URL on loopback only"},
		{"LEAVER_CREDENTIAL=simulated", []string{"LEAVER_GRAPH_TOKEN=invented", "LEAVER_GRAPH_URL=https://graph.example.com"}, "LEAVER_CREDENTIAL: simulated is for a LEAVER_GRAPH_URL on loopback only"},
		{"LEAVER_CREDENTIAL=simulated", []string{"LEAVER_GRAPH_URL=http://127.0.0.1:8090"}, "LEAVER_GRAPH_TOKEN: must be set with LEAVER_CREDENTIAL=simulated"},
		{"LEAVER_CREDENTIAL=default", []string{"AZURE_CLIENT_SECRET_FILE=/run/secrets/azure"}, "AZURE_CLIENT_SECRET_FILE: set LEAVER_CREDENTIAL=client-secret with it"},
		{"LEAVER_CREDENTIAL=password", nil, "LEAVER_CREDENTIAL: want default, client-secret, client-certificate, workload-identity, managed-identity or device-code"},
		{"LEAVER_DEVICE_CREDENTIAL=client-secret", nil, "LEAVER_DEVICE_TENANT_ID: must be set with LEAVER_DEVICE_CREDENTIAL=client-secret"},
		{"LEAVER_DEVICE_CREDENTIAL=client-secret", []string{"AZURE_TENANT_ID=" + tenantID, "AZURE_CLIENT_ID=" + clientID, "AZURE_CLIENT_SECRET=invented"}, "LEAVER_DEVICE_CLIENT_SECRET: must be set"},
		{"LEAVER_DEVICE_CREDENTIAL=device-code", nil, "LEAVER_DEVICE_TENANT_ID: must be set with LEAVER_DEVICE_CREDENTIAL=device-code"},
		{"LEAVER_DEVICE_CREDENTIAL=simulated", []string{"LEAVER_GRAPH_URL=http://127.0.0.1:8090", "LEAVER_GRAPH_TOKEN=invented"}, "LEAVER_DEVICE_GRAPH_TOKEN: must be set with LEAVER_DEVICE_CREDENTIAL=simulated"},
		{"LEAVER_DEVICE_CREDENTIAL=password", nil, "LEAVER_DEVICE_CREDENTIAL: want default,"},
	} {
		t.Run(c.kind+" "+c.want, func(t *testing.T) {
			err := made(t, append(c.settings, c.kind)...)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "invented", "a secret is never repeated")
		})
	}
}

func TestADeviceCredentialIsMadeOnlyWhenItIsAskedFor(t *testing.T) {
	simulatedWorker := []string{"LEAVER_CREDENTIAL=simulated", "LEAVER_GRAPH_URL=http://localhost:8090/graph", "LEAVER_GRAPH_TOKEN=main"}
	c := loaded(t, simulatedWorker...)
	_, devices, err := c.credentials()
	require.NoError(t, err)
	assert.Nil(t, devices)

	c = loaded(t, append(simulatedWorker, "LEAVER_DEVICE_CREDENTIAL=simulated", "LEAVER_DEVICE_GRAPH_TOKEN=devices")...)
	all, devices, err := c.credentials()
	require.NoError(t, err)
	token, err := all.GetToken(context.Background(), policy.TokenRequestOptions{})
	require.NoError(t, err)
	assert.Equal(t, "main", token.Token)
	token, err = devices.GetToken(context.Background(), policy.TokenRequestOptions{})
	require.NoError(t, err)
	assert.Equal(t, "devices", token.Token)
	assert.True(t, token.ExpiresOn.After(time.Now()))
}

func TestASecretFromAFileIsTrimmed(t *testing.T) {
	c := loaded(t, "AZURE_CLIENT_SECRET=other", "AZURE_CLIENT_SECRET_FILE="+file(t, "\n  invented~secret \r\n"))
	secret, err := c.main().secret()
	require.NoError(t, err)
	assert.Equal(t, "invented~secret", secret)
}

func TestACertificateNeedsItsOwnKey(t *testing.T) {
	block, _ := pem.Decode([]byte(certificate(t)))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	who := []string{"LEAVER_CREDENTIAL=client-certificate", "AZURE_TENANT_ID=" + tenantID, "AZURE_CLIENT_ID=" + clientID}
	alone := string(pem.EncodeToMemory(block))
	assert.ErrorContains(t, made(t, append(who, "AZURE_CLIENT_CERTIFICATE_PATH="+file(t, alone))...), "AZURE_CLIENT_CERTIFICATE_PATH: want a PEM")
	strange := alone + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	assert.Error(t, made(t, append(who, "AZURE_CLIENT_CERTIFICATE_PATH="+file(t, strange))...))
}

func TestADeviceCodeWithoutASignInSaysWhatToRun(t *testing.T) {
	dir := t.TempDir()
	who := []string{"AZURE_TENANT_ID=" + tenantID, "AZURE_CLIENT_ID=" + clientID, "LEAVER_SIGN_IN_DIR=" + dir}
	assert.EqualError(t, made(t, append(who, "LEAVER_CREDENTIAL=device-code")...),
		"LEAVER_CREDENTIAL=device-code: nobody has signed in yet, run `worker sign-in` with the same settings first")
	assert.ErrorContains(t, made(t, append(who, "LEAVER_DEVICE_CREDENTIAL=device-code")...), "LEAVER_DEVICE_CREDENTIAL=device-code: nobody has signed in yet")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "sign-in-"+clientID+".json"), []byte("{"), 0o600))
	assert.ErrorContains(t, made(t, append(who, "LEAVER_CREDENTIAL=device-code")...), "is damaged, run `worker sign-in` again")
}

func TestASignInIsRememberedForItsOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	c := loaded(t, "LEAVER_CREDENTIAL=device-code", "AZURE_TENANT_ID="+tenantID, "AZURE_CLIENT_ID="+clientID, "LEAVER_SIGN_IN_DIR="+dir)
	record := azidentity.AuthenticationRecord{ClientID: clientID, TenantID: tenantID, Username: "admin@contoso.com", Version: "1.0"}
	require.NoError(t, c.main().remember(record))
	found, err := c.main().signedIn()
	require.NoError(t, err)
	assert.Equal(t, record, found)
	path, err := c.main().recordPath()
	require.NoError(t, err)
	for name, mode := range map[string]os.FileMode{path: 0o600, dir: 0o700 | os.ModeDir} {
		stat, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, mode, stat.Mode())
	}
}

func TestAClientIDCannotLeadTheSignInElsewhere(t *testing.T) {
	dir := t.TempDir()
	c := loaded(t, "LEAVER_CREDENTIAL=device-code", "AZURE_TENANT_ID="+tenantID, "AZURE_CLIENT_ID=../../etc/passwd", "LEAVER_SIGN_IN_DIR="+dir)
	path, err := c.main().recordPath()
	require.NoError(t, err)
	assert.Equal(t, dir, filepath.Dir(path))
}

func TestSignInNeedsACredentialThatIsSignedInto(t *testing.T) {
	c := loaded(t, "LEAVER_CREDENTIAL=client-secret")
	var out bytes.Buffer
	assert.ErrorContains(t, signIn(context.Background(), c, &out), "set LEAVER_CREDENTIAL or LEAVER_DEVICE_CREDENTIAL to device-code")
	assert.Empty(t, out.String())
}

func TestACredentialWhoseTokenIsRefusedIsMadeAnew(t *testing.T) {
	secret := file(t, "first")
	environment(t, "LEAVER_CREDENTIAL=client-secret", "AZURE_TENANT_ID="+tenantID, "AZURE_CLIENT_ID="+clientID, "AZURE_CLIENT_SECRET_FILE="+secret)
	c, err := load()
	require.NoError(t, err)
	all, _, err := c.credentials()
	require.NoError(t, err)
	credential := all.(*renewing)
	first, err := credential.credential()
	require.NoError(t, err)
	again, err := credential.credential()
	require.NoError(t, err)
	assert.Same(t, first, again)
	credential.Renew()
	renewed, err := credential.credential()
	require.NoError(t, err)
	assert.NotSame(t, first, renewed, "what azidentity has cached is not used again")
	require.NoError(t, os.Remove(secret))
	credential.Renew()
	_, err = all.GetToken(t.Context(), policy.TokenRequestOptions{})
	require.ErrorContains(t, err, "AZURE_CLIENT_SECRET_FILE")
}
