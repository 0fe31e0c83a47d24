/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kinds of events: MESSAGE_ID values for log_event(), each with an entry in
 * systemd/hwrecover.catalog that uses the fields named here. An id is never given to another kind.
 */
#pragma once

/* Journal fields of events. */
#define FIELD_FILE        "HWRECOVER_FILE"   /* path in the tree */
#define FIELD_KERNEL      "HWRECOVER_KERNEL" /* releases of kernels, with ", " between */
#define FIELD_LINE        "HWRECOVER_LINE"   /* its line, from 1 */
#define FIELD_NIC         "HWRECOVER_NIC" /* name in the configuration, or names with blanks between */
#define FIELD_NIC_NOW     "HWRECOVER_NIC_NOW"     /* name the interface has now */
#define FIELD_ADDRESS     "HWRECOVER_ADDRESS"     /* of a PCI function */
#define FIELD_ADDRESS_NOW "HWRECOVER_ADDRESS_NOW" /* the address it has now */
#define FIELD_DRIVER      "HWRECOVER_DRIVER"      /* a driver's name */
#define FIELD_GUEST       "HWRECOVER_GUEST"       /* "pve/qemu/101", "libvirt/NAME" */
#define FIELD_REASON      "HWRECOVER_REASON"      /* why, in words */
#define FIELD_SNAPSHOT    "HWRECOVER_SNAPSHOT"    /* id of the snapshot it is about */
#define FIELD_STAGE       "HWRECOVER_STAGE"       /* network, guests, finish, image */
#define FIELD_TIMEOUT     "HWRECOVER_TIMEOUT_SEC" /* limit, in seconds */

/* The baseline was moved: FIELD_SNAPSHOT. */
#define EVENT_BASELINE_TAKEN "cba02d7094b14923ab81866d005d9953"
/* Hardware and baseline differ: FIELD_SNAPSHOT. */
#define EVENT_HARDWARE_CHANGED "484ae48687b44d12b20a52be094812d3"
/* A file was edited, one event a file: FIELD_FILE, FIELD_SNAPSHOT. */
#define EVENT_FILE_EDITED "598bd757f998439b9b640c1d5cd38cc1"
/* A network interface got another name: FIELD_NIC, FIELD_NIC_NOW, FIELD_REASON. */
#define EVENT_NIC_REMAPPED "6da15286be834e68a0786578e75c6c77"
/* A mention was taken out of force: FIELD_FILE, FIELD_LINE, FIELD_NIC. */
#define EVENT_MENTION_PARKED "20336c25d1b64ea284c1a09f1daa70e5"
/* A mention is in force again: FIELD_FILE, FIELD_LINE, FIELD_NIC. */
#define EVENT_MENTION_RESTORED "ab62eca9eea44516bcee3ae7ef7fc285"
/* Nobody can say what a mention means: FIELD_FILE, FIELD_LINE, FIELD_NIC, FIELD_REASON. */
#define EVENT_REFERENCE_AMBIGUOUS "4f418b03676f4d82840df1b9ea092964"
/* A stage of the boot failed, nothing was edited by it: FIELD_STAGE, FIELD_REASON. */
#define EVENT_STAGE_FAILED "edce6260dcf841c2965699b9262a1384"
/* The wait for network interfaces was given up: FIELD_NIC, FIELD_TIMEOUT. */
#define EVENT_NIC_WAIT_EXPIRED "849f19635add483888ae6cba3f4e98d8"
/* A snapshot cannot be read: FIELD_FILE, FIELD_REASON. */
#define EVENT_SNAPSHOT_DAMAGED "58e26586bc95471cb88cc8cffcb984e0"
/* An interrupted transaction was completed. */
#define EVENT_TRANSACTION_COMPLETED "007125ac446f4ff1bdddeb03154110da"
/* Network edits that were rolled back are not made again: FIELD_SNAPSHOT. */
#define EVENT_EDITS_NOT_REPEATED "12ffd6e22d40495aad8d6437d1cbd6c7"
/* A managed file is left as it is: FIELD_FILE, FIELD_REASON. */
#define EVENT_FILE_LEFT_ALONE "ee469e0a8b364c638122b172d3f1ce23"
/* The boot image was built anew and checked: FIELD_KERNEL. */
#define EVENT_IMAGE_REBUILT "6fe4b69ca136474181db6207df4ca410"
/* The boot image could not be built, or was not as it has to be: FIELD_REASON. */
#define EVENT_IMAGE_FAILED "b3e93dc23b4344aba320933e63dcb806"
/* A function was taken for a guest by mistake and given back: FIELD_ADDRESS, FIELD_DRIVER,
 * FIELD_REASON. */
#define EVENT_FUNCTION_RELEASED "6a2524c94033436ab523f300b499fef0"
/* That failed: FIELD_ADDRESS, FIELD_REASON. */
#define EVENT_FUNCTION_NOT_RELEASED "16299320b7944149a2f52f7caf7e1a0f"
/* A bind entry was disabled: FIELD_FILE, FIELD_LINE, FIELD_ADDRESS, FIELD_REASON. */
#define EVENT_ENTRY_DISABLED "ce32aaaf06934844a58ea107fc734d12"
/* A bind entry follows its device: FIELD_FILE, FIELD_LINE, FIELD_ADDRESS, FIELD_ADDRESS_NOW,
 * FIELD_REASON. */
#define EVENT_ENTRY_RELOCATED "2eb686aa39174a09aed6b4d78a1c255c"
/* The guard in the boot image did something: FIELD_FILE, FIELD_LINE, FIELD_ADDRESS, FIELD_REASON.
 */
#define EVENT_GUARD_ACTED "2be1de2770b34dcb83b899497afae57a"
/* A guest is kept from starting by itself: FIELD_GUEST, FIELD_REASON. */
#define EVENT_GUEST_BLOCKED "066d1dff5b084d57bfd8bf9436e29622"
/* Every start of a guest is made to fail: FIELD_GUEST, FIELD_REASON. */
#define EVENT_GUEST_HELD "7534d5383d1e4e658d5d034f6359d09c"
/* A guest is let through again: FIELD_GUEST. */
#define EVENT_GUEST_RESTORED "679f5249099b453facd87f867979baee"
