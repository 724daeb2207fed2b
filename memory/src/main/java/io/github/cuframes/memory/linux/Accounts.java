package io.github.cuframes.memory.linux;

import com.sun.jna.Pointer;
import java.io.IOException;
import java.util.regex.Pattern;

/** The numbers of users and groups, by name, from wherever this machine keeps them (NSS). */
public final class Accounts {

    private static final Pattern NUMBER = Pattern.compile("\\d{1,10}");

    /** The largest number; the one above means "none". */
    private static final long MAX_ID = 0xFFFF_FFFEL;

    /** In {@code struct passwd} and {@code struct group} the number follows the name and the password. */
    private static final int ID_AT = 2 * Long.BYTES;

    private Accounts() {}

    /**
     * A user.
     *
     * @param nameOrNumber a name, or a number that need not have one
     * @return the uid
     * @throws IOException if there is no such user, or names cannot be looked up; says what to do
     */
    public static long user(String nameOrNumber) throws IOException {
        return find("user", nameOrNumber, LibC::getpwnam);
    }

    /** A group, as {@link #user} does for a user. */
    public static long group(String nameOrNumber) throws IOException {
        return find("group", nameOrNumber, LibC::getgrnam);
    }

    private interface Lookup {
        Pointer find(String name);
    }

    /** The answer lies in memory that the next look-up overwrites, hence one at a time. */
    private static synchronized long find(String kind, String nameOrNumber, Lookup lookup) throws IOException {
        if (NUMBER.matcher(nameOrNumber).matches()) {
            long id = Long.parseLong(nameOrNumber);
            if (id > MAX_ID) {
                throw new IOException("there is no " + kind + " " + id + "; the largest is " + MAX_ID);
            }
            return id;
        }
        Pointer entry = LibC.call(
                "the " + kind + " \"" + nameOrNumber + "\" cannot be looked up, use the number",
                () -> lookup.find(nameOrNumber));
        if (entry == null) {
            throw new IOException("there is no " + kind + " \"" + nameOrNumber
                    + "\" on this machine; use the name of one that exists, or a number");
        }
        return Integer.toUnsignedLong(entry.getInt(ID_AT));
    }
}
