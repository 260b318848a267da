/** Which keys the machine's people know: ⌘ on Apple's, Ctrl elsewhere. */
export const commandKey = /mac|iphone|ipad/i.test(navigator.userAgent) ? '⌘' : 'Ctrl';
