/* rondo_tls_words.c - what OpenSSL's errors mean, and what to do about them. */
/* SPDX-License-Identifier: MIT */
#include "rondo_tls_internal.h"

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- files --------------------------------------------------------------- */

/* What a file has that is not what was asked for. */
static const char *const words_no_such_thing[] = {
    [TLS_CERTIFICATE] =
        "there is no certificate in PEM form in it; is it a key, or in DER "
        "form (openssl x509 -inform der)?",
    [TLS_KEY] = "there is no private key in PEM form in it; is it a "
                "certificate, or in DER form (openssl pkey -inform der)?",
    [TLS_TRUSTED] = "there is no certificate in PEM form in it; is it a key, "
                    "or in DER form (openssl x509 -inform der)?",
};

static bool words_is(unsigned long code, int lib, int reason)
{
    return ERR_GET_LIB(code) == lib && ERR_GET_REASON(code) == reason;
}

static bool words_is_nothing(unsigned long code)
{
#ifdef ERR_LIB_OSSL_DECODER
    if (words_is(code, ERR_LIB_OSSL_DECODER, ERR_R_UNSUPPORTED))
        return true;
#endif
    return words_is(code, ERR_LIB_PEM, PEM_R_NO_START_LINE) ||
           words_is(code, ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND);
}

static bool words_is_wrong_password(unsigned long code)
{
#ifdef ERR_LIB_PROV
    if (words_is(code, ERR_LIB_PROV, 100)) /* PROV_R_BAD_DECRYPT */
        return true;
#endif
    return words_is(code, ERR_LIB_EVP, EVP_R_BAD_DECRYPT) ||
           words_is(code, ERR_LIB_PEM, PEM_R_BAD_DECRYPT);
}

static bool words_is_damage(unsigned long code)
{
    return ERR_GET_LIB(code) == ERR_LIB_ASN1 ||
           words_is(code, ERR_LIB_PEM, PEM_R_BAD_BASE64_DECODE) ||
           words_is(code, ERR_LIB_PEM, PEM_R_BAD_END_LINE);
}

/* NULL: nothing better than OpenSSL's own words. */
static const char *words_of_file(unsigned long code, enum tls_file file)
{
    if (words_is_nothing(code))
        return words_no_such_thing[file];
    if (words_is_wrong_password(code))
        return "key_password is not its password";
    if (words_is_damage(code))
        return "it is damaged, or cut off";
    if (words_is(code, ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) ||
        words_is(code, ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH) ||
        words_is(code, ERR_LIB_SSL, SSL_R_NO_CERTIFICATE_ASSIGNED))
        return "it is not the key of the certificate";
    if (words_is(code, ERR_LIB_SSL, SSL_R_EE_KEY_TOO_SMALL) ||
        words_is(code, ERR_LIB_SSL, SSL_R_CA_KEY_TOO_SMALL))
        return "its key is too short to be safe; make one of 2048 bits or more";
    if (words_is(code, ERR_LIB_SSL, SSL_R_CA_MD_TOO_WEAK))
        return "it is signed with a hash that is not safe any more; sign it "
               "with SHA-256";
    return NULL;
}

/* The number of a file that cannot be read; 0: it was read. */
static int words_system_error(unsigned long code)
{
    if (ERR_GET_LIB(code) != ERR_LIB_SYS)
        return 0;
    switch (ERR_GET_REASON(code)) {
    case ENOENT:
    case ENOTDIR:
        return RONDO_ENOENT;
    case EACCES:
        return RONDO_EACCES;
    default:
        return RONDO_EIO;
    }
}

int tls_fail_file(const char *what, const char *name, enum tls_file file)
{
    unsigned long code = ERR_peek_error();
    int error = words_system_error(code);
    char text[300];
    snprintf(text, sizeof text, "%s %.200s", what, name);
    if (!error)
        return tls_fail_with(RONDO_EPROTO, text, words_of_file(code, file));
    const char *words = error == RONDO_ENOENT   ? "there is no such file"
                        : error == RONDO_EACCES ? "this user may not read it"
                                                : "it cannot be read";
    ERR_clear_error();
    return rondo_set_error(error, "TLS: %s: %s (%s)", text, words,
                           rondo_error_name(error));
}

/* ---- connections --------------------------------------------------------- */

static const struct {
    int reason; /* of ERR_LIB_SSL */
    const char *words;
} words_of_peer[] = {
    {SSL_R_WRONG_VERSION_NUMBER,
     "the peer does not speak TLS; is that its TLS port?"},
    {SSL_R_HTTP_REQUEST, "the client speaks HTTP without TLS; it should ask "
                         "for https://"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the peer's TLS is older than 1.2"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
     "alert: the peer has no version of TLS that this side accepts"},
    {SSL_R_NO_SHARED_CIPHER,
     "no cipher that both sides have, or no certificate for it"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
     "alert: the peer finds no cipher or certificate that it accepts"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA,
     "alert: the peer does not trust who signed our certificate; its ca_file "
     "needs that authority"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
     "alert: our certificate has expired, says the peer"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
     "alert: the peer refuses our certificate; is it for the host that the "
     "peer has asked for?"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
     "the client has shown no certificate, and has to; it needs a "
     "certificate_file"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
     "alert: the server wants to see a certificate; set certificate_file"},
};

const char *tls_words_of_peer(unsigned long code)
{
    for (size_t i = 0; i < sizeof words_of_peer / sizeof *words_of_peer; i++)
        if (words_is(code, ERR_LIB_SSL, words_of_peer[i].reason))
            return words_of_peer[i].words;
    return NULL;
}

const char *tls_advice_on_certificate(long verdict)
{
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "; renew it, or set this machine's clock";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "; is this machine's clock right?";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "; who means to trust it gives it as ca_file";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "; give the authority that signed it as ca_file, or let the "
               "peer send the whole chain";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "; it is for another host than the one that was asked for";
    default:
        return "";
    }
}
