/* A login by MIT Kerberos' libkrad, as a KDC asks for a one-time password:
 * krad_login HOST:PORT SECRET USER PASSWORD MILLISECONDS RETRIES
 * Its exit status is 0 for Access-Accept, 1 for Access-Reject, 2 for no answer that it takes. */
#include <krad.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <verto.h>

static int verdict = 2;
static verto_ctx *loop;

static void answered(krb5_error_code error, const krad_packet *request, const krad_packet *reply, void *unused) {
    if (error)
        puts(strerror(error));
    else
        verdict = krad_packet_get_code(reply) != krad_code_name2num("Access-Accept");
    verto_break(loop);
}

static void add(krad_attrset *attributes, const char *name, char *value) {
    krb5_data data = {KV5M_DATA, strlen(value), value};
    krad_attrset_add(attributes, krad_attr_name2num(name), &data);
}

int main(int count, char **words) {
    krb5_context context;
    krad_client *client;
    krad_attrset *attributes;
    if (count != 7 || krb5_init_context(&context))
        return 3;
    loop = verto_new(NULL, VERTO_EV_TYPE_IO | VERTO_EV_TYPE_TIMEOUT);
    if (!loop || krad_client_new(context, loop, &client) || krad_attrset_new(context, &attributes))
        return 3;
    add(attributes, "NAS-Identifier", "krb5kdc");
    add(attributes, "User-Name", words[3]);
    add(attributes, "User-Password", words[4]);
    if (krad_client_send(client, krad_code_name2num("Access-Request"), attributes, words[1], words[2],
                         atoi(words[5]), atoi(words[6]), answered, NULL))
        return 3;
    verto_run(loop);
    return verdict;
}
