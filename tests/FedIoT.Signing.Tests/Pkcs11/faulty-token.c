/* A PKCS#11 module in front of SoftHSM2 that answers nonsense on demand: for tests. Faults are lines "NAME NUMBER" in
 * the file that the variable FAULTY_TOKEN names, read at every call; every C_Login that comes through adds a byte to
 * that file's name with ".logins". Built by FaultyToken.cs. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long number;
typedef number (*call)();
struct list { unsigned char version[2]; call at[68]; };
struct attribute { number type; void *value; number length; };

enum { INITIALIZE = 0, GET_SLOTS = 4, GET_TOKEN = 6, OPEN = 12, LOGIN = 18, GET_ATTRIBUTES = 24, FIND = 26, SIGN = 43 };
enum { DEVICE_REMOVED = 0x32, TOKEN_NOT_RECOGNIZED = 0xe1, INITIALIZED = 0x400 };
enum { COUNT_LOW = 0x10000, FINAL_TRY = 0x20000, LOCKED = 0x40000 };

static struct list *real, ours;
static int dead; /* the device went away: nothing works before the library was finalized and initialized again */

static number fault(const char *name)
{
    const char *path = getenv("FAULTY_TOKEN");
    FILE *file = path ? fopen(path, "r") : NULL;
    char read[64];
    number value, found = 0;
    while (file && fscanf(file, "%63s %lu", read, &value) == 2)
        if (strcmp(read, name) == 0)
            found = value;
    if (file)
        fclose(file);
    return found;
}

static int is_dead(void)
{
    if (fault("gone"))
        dead = 1;
    return dead;
}

static number initialize(void *arguments)
{
    dead = 0;
    return real->at[INITIALIZE](arguments);
}

static number get_slots(number present, number *slots, number *count)
{
    if (is_dead()) {
        *count = 0;
        return 0;
    }
    return real->at[GET_SLOTS](present, slots, count);
}

static number get_token(number slot, unsigned char *info)
{
    number result = real->at[GET_TOKEN](slot, info);
    if (result == 0 && fault("strange_card") && !(*(number *)(info + 96) & INITIALIZED))
        return TOKEN_NOT_RECOGNIZED;
    if (result == 0 && fault("no_pin_flags")) /* a token that counts and does not say so */
        *(number *)(info + 96) &= ~(number)(COUNT_LOW | FINAL_TRY | LOCKED);
    return result;
}

static number open_session(number slot, number flags, void *application, void *notify, number *session)
{
    return is_dead() ? DEVICE_REMOVED : real->at[OPEN](slot, flags, application, notify, session);
}

static number login(number session, number user, unsigned char *pin, number length)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.logins", getenv("FAULTY_TOKEN"));
    FILE *file = fopen(path, "a");
    if (file) {
        fputc('x', file);
        fclose(file);
    }
    if (fault("login"))
        return fault("login");
    return real->at[LOGIN](session, user, pin, length);
}

static number get_attributes(number session, number object, struct attribute *attributes, number count)
{
    number result = real->at[GET_ATTRIBUTES](session, object, attributes, count);
    for (number i = 0; i < count; i++)
        if (fault("attribute") == attributes[i].type && fault("attribute_length"))
            attributes[i].length = fault("attribute_length");
    return fault("get_attributes") ? fault("get_attributes") : result;
}

static number find(number session, void *template, number count)
{
    return fault("find") ? fault("find") : real->at[FIND](session, template, count);
}

static number sign(number session, void *data, number length, unsigned char *signature, number *size)
{
    if (is_dead())
        return DEVICE_REMOVED;
    if (fault("sign"))
        return fault("sign");
    number result = real->at[SIGN](session, data, length, signature, size);
    if (fault("sign_length"))
        *size = fault("sign_length");
    if (fault("sign_zero") && signature)
        memset(signature, 0, 32);
    return result;
}

number C_GetFunctionList(struct list **functions)
{
    if (!real) {
        void *library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
        call get = library ? (call)dlsym(library, "C_GetFunctionList") : NULL;
        if (!get || get(&real))
            return 5;
        ours = *real;
        ours.at[INITIALIZE] = (call)initialize;
        ours.at[GET_SLOTS] = (call)get_slots;
        ours.at[GET_TOKEN] = (call)get_token;
        ours.at[OPEN] = (call)open_session;
        ours.at[LOGIN] = (call)login;
        ours.at[GET_ATTRIBUTES] = (call)get_attributes;
        ours.at[FIND] = (call)find;
        ours.at[SIGN] = (call)sign;
    }
    *functions = &ours;
    return 0;
}
